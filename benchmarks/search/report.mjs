import { format, table } from '../harness.mjs'
import { plot } from './plot.mjs'
import { keyOf } from './run.mjs'

const ours = '**pixeltable**'
const isOurs = (engine) => engine.startsWith(ours)
const plainName = (engine) => engine.replaceAll('*', '')
export const sizeName = (n) => (n >= 1e6 ? `${n / 1e6}M` : n >= 1000 ? `${n / 1000}k` : String(n))
const titleOf = ({ what, size }) => `${sizeName(size)} × 384, ${what}`

/** What the rows of a plan say, as Markdown. */
export function reportOf({ rows }, results) {
  return [
    table(
      ['work', 'target', 'who', 'p50, ms', 'p95, ms', 'recall@10', 'built in, s', 'memory, MB'],
      rows.flatMap((row) => row.engines.map((engine, i) => rowOf(row, engine, results, i === 0))),
    ),
    comparison(rows, results, 'LanceDB'),
    comparison(rows, results, 'zvec'),
    sums(rows, results),
  ]
    .filter(Boolean)
    .join('\n\n')
}

function rowOf(row, engine, results, isFirst) {
  const head = isFirst ? [titleOf(row), row.target ?? ''] : ['', '']
  const result = results.get(keyOf(engine, row.size, row.task)) ?? { error: 'not measured' }
  if (result.error)
    return [...head, engine, `not run: ${result.error.replaceAll('|', '/').slice(0, 100)}`, '', '', '', '']
  const { p50, p95, recall, build, memory, effort, rate, share, ms } = result
  const who = effort === undefined ? engine : `${engine} (effort ${effort})`
  if (share !== undefined)
    return [...head, who, `${(share * 100).toFixed(0)} % left after ${format(ms / 1000)} s`, '', '', '', '']
  const times = [
    rate ? `${Math.round(rate).toLocaleString('en')} vectors/s; ${format(p50)} a commit` : format(p50),
    format(p95),
  ]
  const optional = (value, show) => (value === undefined ? '' : show(value))
  return [
    ...head,
    who,
    ...times,
    optional(recall, (x) => x.toFixed(3)),
    optional(build, (x) => format(x / 1000)),
    optional(memory, (x) => x.toFixed(0)),
  ]
}

/** Recall that differs by less is as good. */
const rounding = 0.0005

/** What less of is better. */
const costOf = ({ p50, rate }) => (rate ? 1 / rate : p50)
const resultText = ({ engine, p50, rate, recall }) => {
  const speed = rate ? `${Math.round(rate).toLocaleString('en')} vectors/s` : `${format(p50)} ms`
  return `${plainName(engine)} ${speed}${recall === undefined ? '' : ` at recall ${recall.toFixed(3)}`}`
}

/**
 * Where the library is faster than a peer at equal or better recall, and where it is not: by the fastest of ours that
 * finds as much as the peer at the same work.
 */
function comparison(rows, results, peer) {
  const lists = { faster: [], slower: [] }
  const measured = rows
    .flatMap((row) => row.engines.map((engine) => ({ row, engine, ...results.get(keyOf(engine, row.size, row.task)) })))
    .filter(({ p50 }) => p50 !== undefined)
  for (const theirs of measured.filter(({ engine }) => engine.startsWith(peer))) {
    const { size, task } = theirs.row
    const own = measured.filter(({ engine, row }) => isOurs(engine) && row.size === size && row.task === task)
    if (own.length === 0) continue
    const asGood = own.filter(({ recall = 1 }) => recall >= (theirs.recall ?? 1) - rounding)
    const [best] = asGood.toSorted((a, b) => costOf(a) - costOf(b))
    const list = best && costOf(best) < costOf(theirs) ? lists.faster : lists.slower
    list.push(
      `- ${titleOf(theirs.row)}: ${resultText(theirs)}; ${best ? resultText(best) : 'nothing of ours finds as much'}`,
    )
  }
  const { faster, slower } = lists
  if (faster.length + slower.length === 0) return undefined
  const part = (head, list) =>
    `${head} ${peer}, at equal or better recall: ${list.length === 0 ? 'nowhere' : `\n\n${list.join('\n')}`}`
  return [part('Faster than', faster), part('Not faster than', slower)].join('\n\n')
}

/** What fusing costs over the searches that it fuses. */
function sums(rows, results) {
  const lines = []
  for (const row of rows.filter(({ task }) => task === 'hybrid')) {
    for (const engine of row.engines) {
      const [hybrid, text, search] = ['hybrid', 'text', 'search'].map(
        (task) => results.get(keyOf(engine, row.size, task))?.p50,
      )
      if ([hybrid, text, search].includes(undefined)) continue
      const over = hybrid - text - search
      const what = `${format(Math.abs(over))} ms ${over < 0 ? 'less' : 'more'} than`
      lines.push(
        `- ${titleOf(row)}, ${plainName(engine)}: ${format(hybrid)} ms, ${what} BM25 and vectors one after the other`,
      )
    }
  }
  return lines.length === 0 ? undefined : `What hybrid search costs (p50):\n\n${lines.join('\n')}`
}

/** The points of a plan as a picture; undefined where there are none. */
export function plotOf({ points }, results) {
  const engines = [...new Set(points.map(({ engine }) => engine))]
  const series = engines.map((engine) => ({
    name: plainName(engine),
    isOurs: isOurs(engine),
    points: points
      .filter((point) => point.engine === engine)
      .map(({ size, task }) => [size, results.get(keyOf(engine, size, task))?.p50])
      .filter(([, p50]) => p50 !== undefined),
  }))
  return plot({
    title: 'Ten nearest of n vectors of 384 dimensions, p50',
    x: 'vectors',
    y: 'milliseconds',
    series: series.filter(({ points: own }) => own.length > 0),
  })
}
