/** A program in one module: its threads import it too. */
import { isMainThread } from 'node:worker_threads'
import { Pixeltable, t, udf } from '../../src/index.js'

const answer = udf({ name: 'worker_answer', worker: import.meta.url }, (n: number) =>
  isMainThread ? `${n} in the same thread` : `${n} in another thread`,
)
const fill = udf({ name: 'worker_fill', worker: import.meta.url }, (n: number) => {
  const kept: number[][] = []
  for (;;) kept.push(new Array(1000).fill(n))
})

if (isMainThread) {
  const pxt = await Pixeltable.open(':memory:')
  const numbers = await pxt.createTable('numbers', { n: t.int() })
  const table = await numbers.addComputedColumn('result', (c) =>
    process.argv[2] === 'idle' ? answer(c.n) : (fill(c.n) as never),
  )
  const { errorCells } = await table.insert([{ n: 42 }], { onError: 'ignore' })
  console.log(errorCells[0]?.message ?? (await table.firstOrThrow()).result)
}
