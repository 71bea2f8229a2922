import { ValidationError } from '../errors.js'
import { sourceOf } from '../formats/source.js'
import { linesOf, textOf } from '../formats/text.js'
import { describeValue } from '../types/column-type.js'
import type { Qrels } from './qrels.js'

/**
 * Reads judgements: lines of query, document and grade, separated by tabs, with or without a line of names (BEIR); or
 * lines of query, a number without meaning, document and grade, separated by blanks (TREC).
 *
 * @throws NotFoundError when there is no such file
 * @throws ValidationError for what is no judgement, with its line
 */
export async function readQrels(path: string | URL, signal?: AbortSignal): Promise<Qrels> {
  const source = sourceOf(path, { signal })
  const qrels = new Map<string, Map<string, number>>()
  for await (const { lines, first } of linesOf(textOf(source.stream(), source.label))) {
    lines.forEach((line, i) => {
      if (line.trim() === '') return
      const where = `${source.label}: line ${first + i}`
      const { query, document, grade } = judgementOf(line, where)
      if (Number.isNaN(grade)) {
        if (first + i === 1) return
        throw new ValidationError(`${where}: expected a number as the grade, got ${describeValue(line)}`)
      }
      let grades = qrels.get(query)
      if (!grades) {
        grades = new Map()
        qrels.set(query, grades)
      }
      if ((grades.get(document) ?? grade) !== grade) {
        throw new ValidationError(`${where}: document '${document}' has another grade for query '${query}' before`)
      }
      grades.set(document, grade)
    })
  }
  return qrels
}

function judgementOf(line: string, where: string) {
  const trimmed = line.trimEnd()
  const cells = trimmed.includes('\t') ? trimmed.split('\t') : trimmed.trimStart().split(/\s+/)
  const [query, document, grade] = cells.length === 4 ? cells.toSpliced(1, 1) : cells
  if (cells.length < 3 || cells.length > 4 || !query || !document || !grade) {
    throw new ValidationError(`${where}: expected query, document and grade, got ${describeValue(line)}`)
  }
  return { query, document, grade: /^-?\d+(\.\d+)?$/.test(grade) ? Number(grade) : Number.NaN }
}
