import { Writable } from 'node:stream'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pixeltable, type Progress, progressBar, t, udf } from '../../src/index.js'

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe('progress', () => {
  const slow = udf({ name: 'observe_slow', concurrency: 4 }, async (n: number) => {
    await sleep(20)
    if (n === 3) throw new Error('three')
    return n
  })

  test('is reported while functions run, and ends with all of it', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const table = await pxt.createTable('t', { n: t.int() })
    const one = await table.addComputedColumn('slow', (c) => slow(c.n))
    const reports: Progress[] = []
    await one.insert(
      Array.from({ length: 100 }, (_, n) => ({ n })),
      { onError: 'ignore', onProgress: (progress) => reports.push(progress) },
    )
    expect(reports.length).toBeGreaterThanOrEqual(4)
    const first = reports[0]!
    expect(first).toMatchObject({ rows: 0, total: 100, done: false })
    expect(first.cells).toBeLessThan(100)
    expect(first.remaining).toBeGreaterThan(0)
    const last = reports.at(-1)!
    expect(last).toMatchObject({ rows: 100, total: 100, cells: 99, failed: 1, remaining: 0, done: true })
    expect(last.rate).toBeGreaterThan(0)
    for (const [i, report] of reports.slice(1).entries()) expect(report.cells).toBeGreaterThanOrEqual(reports[i]!.cells)
    pxt.close()
  })

  test('is heard for all statements by the listener of the database, or by one of their own', async () => {
    const heard: string[] = []
    const note = (what: string) => (progress: Progress) => {
      if (progress.done) heard.push(`${what} ${progress.rows}/${progress.total}`)
    }
    const pxt = await Pixeltable.open(':memory:', { onProgress: note('database') })
    const table = await pxt.createTable('t', { n: t.int() })
    await table.insert([{ n: 1 }, { n: 2 }])
    await table.insert([{ n: 4 }], { onProgress: note('own') })
    const one = await table.addComputedColumn('slow', (c) => slow(c.n), { compute: 'deferred' })
    await pxt.drain({ onProgress: note('drain') })
    await one.recompute('slow', { onProgress: note('recompute') })
    expect(heard).toEqual(['database 2/2', 'own 1/1', 'database 0/undefined', 'drain 3/3', 'recompute 3/3'])
    pxt.close()
  })

  test('is drawn in a terminal, and nowhere else', async () => {
    const drawn = async (isTTY: boolean) => {
      let text = ''
      const stream = new Writable({
        write(chunk, _, done) {
          text += chunk
          done()
        },
      })
      const bar = progressBar({ label: 'notes', stream: Object.assign(stream, { isTTY, columns: 100 }) })
      bar({ rows: 0, total: 200, cells: 50, failed: 1, elapsed: 5000, rate: 10, remaining: 15_000, done: false })
      bar({ rows: 200, total: 200, cells: 199, failed: 1, elapsed: 83_000, rate: 2.41, remaining: 0, done: true })
      return text
    }
    expect(await drawn(false)).toBe('')
    const [, first, last] = (await drawn(true)).split('\r\x1b[2K')
    expect(first).toBe('notes ██████░░░░░░░░░░░░░░░░░░ 25%  0/200 rows  50 cells  1 failed  10/s  15s left')
    expect(last).toBe('notes ████████████████████████ 100%  200/200 rows  199 cells  1 failed  2.4/s  1m23s\n')
  })
})

test('statistics by column and function', async () => {
  let calls = 0
  const ask = udf({ name: 'observe_ask', version: 2, concurrency: 2 }, async function (n: number) {
    if (calls++ === 0) throw Object.assign(new Error('busy'), { status: 503 })
    this.report({ inputTokens: 10, outputTokens: n, cost: 0.25 })
    if (n === 2) throw new Error('never')
    return n
  })
  const batch = udf({ name: 'observe_batch', batchSize: 2 }, async (all: (number | null)[]) => all.map((n) => n ?? 0))
  const embed = {
    name: 'observe_embed',
    version: 1,
    embed: async (texts: readonly unknown[], options?: { report?: (usage: object) => void }) => {
      options?.report?.({ inputTokens: texts.length })
      return texts.map(() => [1, 2])
    },
  }
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('t', { n: t.int(), text: t.string() })
  const one = await table.addComputedColumn('answer', (c) => ask(c.n))
  const two = await one.addComputedColumn('both', (c) => batch(c.answer).add(1))
  await two.addEmbeddingIndex('text', { embed, name: 'by_text' })
  await two.insert(
    [1, 2, 3].map((n) => ({ n, text: `${n}` })),
    { onError: 'ignore' },
  )
  const stats = pxt.stats('t').map(({ milliseconds, ...rest }) => {
    expect(milliseconds).toBeGreaterThanOrEqual(0)
    return rest
  })
  expect(stats).toEqual(
    [
      {
        table: 't',
        column: 'answer',
        function: 'observe_ask@2',
        cells: 4,
        calls: 4,
        retries: 1,
        failed: 2,
        inputTokens: 30,
        outputTokens: 6,
        cost: 0.75,
      },
      {
        table: 't',
        column: 'both',
        function: 'observe_batch@1',
        cells: 2,
        calls: 1,
        retries: 0,
        failed: 0,
        inputTokens: 0,
        outputTokens: 0,
        cost: 0,
      },
      {
        table: 't',
        column: 'by_text',
        function: 'observe_embed@1',
        cells: 3,
        calls: 1,
        retries: 0,
        failed: 0,
        inputTokens: 3,
        outputTokens: 0,
        cost: 0,
      },
    ].sort((a, b) => stats.findIndex((s) => s.column === a.column) - stats.findIndex((s) => s.column === b.column)),
  )
  expect(pxt.stats('other')).toEqual([])
  pxt.close()
})

describe('spans of OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(provider)
  })
  afterAll(() => {
    context.disable()
    trace.disable()
  })

  test('of statements and calls, one inside the other, with what the function makes itself', async () => {
    const tracer = trace.getTracer('test')
    const ask = udf({ name: 'observe_span', concurrency: 1 }, async function (n: number) {
      this.report({ inputTokens: 7 })
      await tracer.startActiveSpan('http', async (span) => {
        await sleep(1)
        span.end()
      })
      if (n === 2) throw new Error('two')
      return n
    })
    const pxt = await Pixeltable.open(':memory:', { tracer })
    const table = await pxt.createTable('t', { n: t.int() })
    const one = await table.addComputedColumn('answer', (c) => ask(c.n))
    exporter.reset()
    await tracer.startActiveSpan('request', async (span) => {
      await one.insert([{ n: 1 }, { n: 2 }], { onError: 'ignore' })
      span.end()
    })
    await expect(one.insert([{ n: 2 }])).rejects.toThrow('two')
    const spans = exporter.getFinishedSpans()
    const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
    const path = (span: ReadableSpan): string => {
      const parent = spans.find((s) => s.spanContext().spanId === span.parentSpanContext?.spanId)
      return parent ? `${path(parent)} > ${span.name}` : span.name
    }
    expect(nameOf.size).toBe(spans.length)
    expect(spans.map(path).sort()).toEqual(
      [
        'request',
        'request > pixeltable.statement',
        'request > pixeltable.statement > pixeltable.call',
        'request > pixeltable.statement > pixeltable.call',
        'request > pixeltable.statement > pixeltable.call > http',
        'request > pixeltable.statement > pixeltable.call > http',
        'pixeltable.statement',
        'pixeltable.statement > pixeltable.call',
        'pixeltable.statement > pixeltable.call > http',
      ].sort(),
    )
    const call = spans.find(({ name }) => name === 'pixeltable.call')!
    expect(call.attributes).toEqual({
      'pixeltable.function': 'observe_span@1',
      'pixeltable.rows': 1,
      'pixeltable.attempt': 1,
      'pixeltable.inputTokens': 7,
    })
    const failed = spans.filter(({ status }) => status.code === 2).map(({ name }) => name)
    expect(failed.sort()).toEqual(['pixeltable.call', 'pixeltable.call', 'pixeltable.statement'])
    const statement = spans.find((span) => span.name === 'pixeltable.statement')!
    expect(statement.attributes['db.operation.name']).toBe('insert')
    pxt.close()
  })
})
