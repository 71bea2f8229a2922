import { foldName } from '../catalog/catalog.js'

const maxLength = 128
const inNames = String.raw`\p{L}\p{M}\p{N}\p{Extended_Pictographic}\u200d_ -`
const notInNames = new RegExp(`[^${inNames}]+`, 'gu')

/**
 * Names that columns can have, made from those of a file: what no name may contain becomes `_`, a name that does not
 * begin with a letter gets `c_` before it, an empty one becomes `column_3`, and one that is taken gets a number.
 */
export function columnNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name, i) => {
    const base = columnName(name, i)
    let free = base
    for (let n = 2; taken.has(foldName(free)); n++) free = `${base.slice(0, maxLength - 8)}_${n}`
    taken.add(foldName(free))
    return free
  })
}

function columnName(name: string, position: number): string {
  const word = name
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(notInNames, '_')
    .slice(0, maxLength - 16)
    .replaceAll(/^_+|_+$|[ ]+$/g, '')
  if (word === '') return `column_${position + 1}`
  const plain = /^[\p{L}\p{Extended_Pictographic}]/u.test(word) && !foldName(word).startsWith('pxt_')
  return plain ? word : `c_${word}`
}
