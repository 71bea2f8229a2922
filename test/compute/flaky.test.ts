import { expect, test } from 'vitest'
import { Pixeltable, t, udf } from '../../src/index.js'
import { FlakyServer } from './flaky-server.js'

const cells = 10_000
const requestsPerMinute = 9000

test(`${cells} cells against a provider that limits, fails, resets, stalls and garbles`, {
  timeout: 240_000,
}, async () => {
  const server = await FlakyServer.start(requestsPerMinute, 20_261_120)
  const double = udf(
    {
      name: 'flaky_double',
      concurrency: 64,
      retries: 10,
      timeout: 2000,
      rateLimit: { requestsPerMinute },
    },
    async function (n: number): Promise<number> {
      const response = await fetch(`${server.url}/${n}`, { signal: this.signal })
      if (!response.ok) {
        await response.arrayBuffer()
        throw Object.assign(new Error(`status ${response.status}`), {
          status: response.status,
          headers: response.headers,
        })
      }
      return ((await response.json()) as { double: number }).double
    },
  )
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('numbers', { n: t.int() })
  const doubled = await table.addComputedColumn('double', (c) => double(c.n))
  const { inserted, errors } = await doubled.insert(Array.from({ length: cells }, (_, n) => ({ n })))
  expect({ inserted, errors }).toEqual({ inserted: cells, errors: 0 })
  expect(await doubled.where((c) => c.double.eq(c.n.mul(2))).count()).toBe(cells)

  const byId = new Map<string, string[]>()
  for (const { id, kind } of server.answers) byId.set(id, [...(byId.get(id) ?? []), kind])
  expect(byId.size).toBe(cells)
  for (const kinds of byId.values()) {
    // The last one was the good one, and nothing was asked again after it.
    expect(kinds.slice(0, -1)).not.toContain('ok')
    expect(kinds.at(-1)).toBe('ok')
  }
  // Some of everything happened, and the limit was never reached by our own doing.
  expect(new Set(server.answers.map(({ kind }) => kind)).size).toBe(6)
  expect(server.busiestMinute).toBeLessThanOrEqual(requestsPerMinute)
  pxt.close()
  server.stop()
})
