import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { format, quantile } from './harness.mjs'

const cwd = fileURLToPath(new URL('..', import.meta.url))

/** Runs a program in a process of its own; it prints one number. */
function inProcess(program, runs) {
  const values = Array.from({ length: runs }, () =>
    Number(
      execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], { cwd, encoding: 'utf8' }),
    ),
  )
  values.sort((a, b) => a - b)
  return { p50: quantile(values, 0.5), p95: quantile(values, 0.95) }
}

const head = `const start = performance.now(); const { Pixeltable, miniEmbed, t } = await import('./dist/index.js');`
const rss = `globalThis.gc(); console.log(process.memoryUsage().rss / 2 ** 20)`
const insert = `
  const random = () => Float32Array.from({ length: 384 }, () => Math.random() - 0.5)
  const items = await (await pxt.createTable('items', { v: t.vector(384) })).addEmbeddingIndex('v')
  await items.insert(Array.from({ length: 10000 }, () => ({ v: random() })))`

/** Time to import and open, memory, and the speed of the built-in model. */
export function processBenchmark() {
  const row = (what, { p50, p95 }) => [what, '**pixeltable**', format(p50), format(p95), '', '']
  const open = `${head} const pxt = await Pixeltable.open(':memory:');`
  return [
    row('import, ms', inProcess(`${head} console.log(performance.now() - start)`, 10)),
    row('import and open, ms', inProcess(`${open} console.log(performance.now() - start)`, 10)),
    row('memory after open, MB', inProcess(`${open} ${rss}`, 3)),
    row('memory after 10k × 384 inserted, MB', inProcess(`${open} ${insert}; ${rss}`, 3)),
    row(
      'memory after 1,000 searches of them, MB',
      inProcess(
        `${open} ${insert}; for (let i = 0; i < 1000; i++) await items.similarity('v', random()).limit(10).select('score').collect(); ${rss}`,
        1,
      ),
    ),
    row(
      'miniEmbed, short sentences/s',
      inProcess(
        `${head} const model = miniEmbed(); const texts = Array.from({ length: 20000 }, (_, i) => 'A woman with ' + i + ' red umbrellas walks along the river.'); await model.embed(texts.slice(0, 2000)); const from = performance.now(); await model.embed(texts); console.log(20000 / (performance.now() - from) * 1000)`,
        3,
      ),
    ),
  ]
}
