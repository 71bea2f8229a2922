import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ComputeError, invokeTools, Pixeltable, QueryError, query, t, udf } from '../../src/index.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pixeltable-tools-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const called: string[] = []
const weather = udf(
  { name: 'invoke_weather', parameters: { city: t.string(), days: t.int().default(1) } },
  async (city: string, days: number) => {
    called.push(city)
    return { city, days }
  },
)
const clock = udf({ name: 'invoke_clock', parameters: { at: t.timestamp().nullable() } }, (at: Date | null) => at)
const failing = udf({ name: 'invoke_failing', parameters: {} }, () => {
  throw new Error('no network')
})

let pxt: Pixeltable
beforeEach(async () => {
  called.length = 0
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const tools = { weather, clock, failing }

/** A table that runs the calls of the responses put into it. */
async function chats() {
  const table = await pxt.createTable('chats', { response: t.json<unknown>().nullable() })
  return table.addComputedColumn('results', (c) => invokeTools(c.response, tools))
}

const rome = { city: 'Rome', days: 1 }
const text = { type: 'text', text: 'Let me look.' }

/** One call of `weather` in Rome and one of `clock`, as each provider says it. */
const responses: Record<string, unknown> = {
  'OpenAI chat completions': {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
            { id: 'call_2', type: 'function', function: { name: 'clock', arguments: '' } },
          ],
        },
      },
    ],
  },
  'OpenAI responses': {
    object: 'response',
    output: [
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}', status: 'completed' },
      { type: 'function_call', call_id: 'call_2', name: 'clock', arguments: '{}' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'x' }] },
    ],
  },
  Anthropic: {
    type: 'message',
    role: 'assistant',
    stop_reason: 'tool_use',
    content: [
      text,
      { type: 'server_tool_use', id: 'srv_1', name: 'web_search', input: { query: 'Rome' } },
      { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Rome' } },
      { type: 'tool_use', id: 'toolu_2', name: 'clock', input: {} },
    ],
  },
  Gemini: {
    candidates: [
      {
        content: {
          role: 'model',
          parts: [
            { text: 'Let me look.' },
            { functionCall: { name: 'weather', args: { city: 'Rome' } } },
            { functionCall: { name: 'clock' } },
          ],
        },
      },
    ],
  },
  "Gemini's functionCalls": {
    functionCalls: [
      { name: 'weather', args: { city: 'Rome' } },
      { name: 'clock', args: {} },
    ],
  },
  Bedrock: {
    stopReason: 'tool_use',
    output: {
      message: {
        role: 'assistant',
        content: [
          { text: 'Let me look.' },
          { toolUse: { toolUseId: 't1', name: 'weather', input: { city: 'Rome' } } },
          { toolUse: { toolUseId: 't2', name: 'clock', input: {} } },
        ],
      },
    },
  },
  Ollama: {
    model: 'x',
    message: {
      role: 'assistant',
      content: '',
      tool_calls: [{ function: { name: 'weather', arguments: { city: 'Rome' } } }, { function: { name: 'clock' } }],
    },
  },
  'the AI SDK': {
    text: '',
    toolCalls: [
      { type: 'tool-call', toolCallId: '1', toolName: 'weather', input: { city: 'Rome' } },
      { toolName: 'clock', input: {} },
      { type: 'tool-call', toolCallId: '3', toolName: 'web_search', input: {}, providerExecuted: true },
    ],
  },
  'a model of the AI SDK': {
    content: [
      text,
      { type: 'tool-call', toolCallId: '1', toolName: 'weather', input: '{"city":"Rome"}' },
      { type: 'tool-call', toolCallId: '2', toolName: 'clock', input: '{}' },
    ],
  },
  'a list of calls': [
    { type: 'tool_use', name: 'weather', input: { city: 'Rome' } },
    { type: 'function', function: { name: 'clock', arguments: '{}' } },
  ],
}

describe('the calls of', () => {
  test.each(Object.keys(responses))('%s', async (provider) => {
    const table = await chats()
    await table.insert({ response: responses[provider] })
    expect((await table.firstOrThrow()).results).toEqual({ weather: [rome], clock: [null], failing: null })
    expect(called).toEqual(['Rome'])
  })

  test.each([
    ['OpenAI chat completions', { choices: [{ message: { role: 'assistant', content: 'Hi.' } }] }],
    ['OpenAI responses', { output: [{ type: 'message', content: [] }] }],
    ['Anthropic', { content: [text] }],
    ['Gemini', { candidates: [{ finishReason: 'SAFETY' }] }],
    ['Bedrock', { output: { message: { role: 'assistant', content: [{ text: 'Hi.' }] } } }],
    ['the AI SDK', { text: 'Hi.', toolCalls: [] }],
    ['nobody', []],
  ])('%s, when there are none', async (_, response) => {
    const table = await chats()
    await table.insert({ response })
    expect((await table.firstOrThrow()).results).toEqual({ weather: null, clock: null, failing: null })
  })
})

const calls = (...list: [name: string, input: unknown][]) => list.map(([toolName, input]) => ({ toolName, input }))

describe('invokeTools', () => {
  test('gives the results of each tool in the order of its calls, as JSON', async () => {
    const table = await chats()
    const at = '2026-01-31T09:30:00.000Z'
    await table.insert([
      { response: calls(['weather', { city: 'b', days: 2 }], ['clock', { at }], ['weather', { city: 'a' }]) },
      { response: null },
    ])
    expect(await table.select('results').collect()).toEqual([
      {
        results: {
          weather: [
            { city: 'b', days: 2 },
            { city: 'a', days: 1 },
          ],
          clock: [at],
          failing: null,
        },
      },
      { results: null },
    ])
  })

  test('runs the calls of a row at the same time', async () => {
    let running = 0
    let most = 0
    const slow = udf({ name: 'invoke_slow', parameters: { n: t.int() } }, async (n: number) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 10))
      running--
      return n
    })
    const narrow = udf({ name: 'invoke_narrow', concurrency: 1, parameters: { n: t.int() } }, async (n: number) => n)
    const table = await pxt.createTable('t', { c: t.json() })
    const full = await table.addComputedColumn('r', (c) => invokeTools(c.c, { slow, narrow }))
    await full.insert({
      c: calls(...[1, 2, 3, 4].map((n): [string, unknown] => ['slow', { n }]), ['narrow', { n: 5 }]),
    })
    expect((await full.firstOrThrow()).r).toEqual({ slow: [1, 2, 3, 4], narrow: [5] })
    expect(most).toBe(4)
  })

  test.each([
    [
      'a tool that is not there',
      ['weather', { city: 'a' }],
      ['search', {}],
      /called 'search', which is not among the tools: weather/,
    ],
    [
      'a required argument left out',
      ['weather', { city: 'a' }],
      ['weather', {}],
      /'weather'.*do not fit.*'city' is required/,
    ],
    [
      'an argument of another type',
      ['weather', { city: 'a' }],
      ['weather', { city: 5 }],
      /'city': expected a string, got the number 5/,
    ],
    ['an argument too many', ['weather', { city: 'a' }], ['clock', { zone: 'x' }], /no parameter 'zone'/],
    [
      'arguments that are no object',
      ['weather', { city: 'a' }],
      ['clock', '[1]'],
      /expected an object of arguments, got an array/,
    ],
    ['arguments that are not JSON', ['weather', { city: 'a' }], ['clock', '{at'], /arguments of 'clock' are not JSON/],
  ] as const)('%s fails the cell before anything is called', async (_, first, second, message) => {
    const table = await chats()
    await expect(table.insert({ response: calls([...first], [...second]) })).rejects.toThrow(message)
    const { errorCells } = await table.insert({ response: calls([...first], [...second]) }, { onError: 'ignore' })
    expect(errorCells).toMatchObject([{ column: 'results', message: expect.stringMatching(message) }])
    expect(called).toEqual([])
  })

  test('a tool that fails fails the cell, and says which', async () => {
    const table = await chats()
    const insert = table.insert({ response: calls(['weather', { city: 'a' }], ['failing', {}]) })
    await expect(insert).rejects.toThrow(/column 'results'.*the tool 'failing' failed: .*no network/)
    await expect(insert).rejects.toThrow(ComputeError)
    expect(await table.count()).toBe(0)
  })

  test.each([['text'], [5], [{ hello: 1 }]])('refuses what is no response: %j', async (response) => {
    const table = await chats()
    await expect(table.insert({ response })).rejects.toThrow(/expected the response of a model or its tool calls/)
  })

  test('takes tools under names of their own, and functions that read tables', async () => {
    const films = await pxt.createTable('films', { title: t.string() })
    await films.insert({ title: 'Heat' })
    const find = query('invoke_find', { title: t.string() }, (p) =>
      films.where((c) => c.title.eq(p.title)).select('title'),
    )
    const sized = await films.addComputedColumn('size', (c) => c.title.length())
    const size = sized.asFunction('invoke_size', { returns: 'size' })
    const set = { search: find.toTool({ description: 'x' }), measure: size }
    const table = await pxt.createTable('t', { c: t.json() })
    const full = await table.addComputedColumn('r', (c) => invokeTools(c.c, set))
    await full.insert({ c: calls(['search', { title: 'Heat' }], ['measure', { title: 'abc' }]) })
    expect((await full.firstOrThrow()).r).toEqual({ search: [[{ title: 'Heat' }]], measure: [3] })
    const again = await full.select((c) => ({ r: invokeTools(c.c, set).get('measure') })).collect()
    expect(again).toEqual([{ r: [3] }])
    expect(await films.count()).toBe(1)
  })

  test('refuses what is no tool', () => {
    const plain = udf({ name: 'invoke_plain' }, (a: string) => a)
    const bad: unknown[] = [plain, null, 5, { description: 'x', execute: () => 1 }]
    for (const tool of bad) {
      expect(() => invokeTools(null as never, { x: tool } as never)).toThrow(QueryError)
      expect(() => invokeTools(null as never, { x: tool } as never)).toThrow(/'x': expected a tool, a query function/)
    }
  })
})

/** Runs a program in a process of its own, which defines functions that this one does not. */
function elsewhere(program: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' })
}

const define = `
  import { invokeTools, Pixeltable, query, t, udf } from 'pixeltable'
  const city = udf({ name: 'again_city', parameters: { name: t.string(), n: t.int().default(2) } }, (name, n) => name.repeat(n))
`

test('a stored column runs its tools again in another process', async () => {
  const path = join(folder, 'again.db')
  elsewhere(`
    ${define}
    const pxt = await Pixeltable.open(${JSON.stringify(path)})
    const films = await pxt.createTable('films', { title: t.string() })
    await films.insert({ title: 'Heat' })
    const find = query('again_find', { title: t.string() }, (p) => films.where((c) => c.title.eq(p.title)))
    const chats = await pxt.createTable('chats', { calls: t.json() })
    const full = await chats.addComputedColumn('results', (c) => invokeTools(c.calls, { city, search: find }))
    await full.insert({ calls: [{ toolName: 'city', input: { name: 'a' } }] })
    pxt.close()
  `)
  // What is not needed may be missing.
  const later = await Pixeltable.open(path)
  const chats = await later.getTable('chats')
  expect(await chats.collect()).toMatchObject([{ results: { city: ['aa'], search: null } }])
  await chats.insert({ calls: [] })
  const call = { calls: [{ toolName: 'city', input: { name: 'b' } }] }
  await expect(chats.insert(call)).rejects.toThrow(/'again_city' is needed for the tool 'city'.*\{ functions \}/)
  expect(await chats.count()).toBe(2)
  later.close()

  const output = elsewhere(`
    ${define}
    const pxt = await Pixeltable.open(${JSON.stringify(path)})
    const films = await pxt.getTable('films')
    query('again_find', { title: t.string() }, (p) => films.where((c) => c.title.eq(p.title)))
    const chats = await pxt.getTable('chats')
    await chats.insert({ calls: [{ toolName: 'city', input: { name: 'c' } }, { toolName: 'search', input: { title: 'Heat' } }] })
    console.log(JSON.stringify((await chats.tail(1))[0].results))
    await chats.insert({ calls: [{ toolName: 'city', input: { name: 5 } }] }).catch((error) => console.log(error.message))
    pxt.close()
  `)
  const [results, error] = output.trim().split('\n')
  expect(JSON.parse(results!)).toEqual({ city: ['cc'], search: [[{ title: 'Heat' }]] })
  expect(error).toMatch(/the tool 'city' was called with arguments that do not fit/)

  // A function of another program without the parameters that the tool had.
  const pxtAgain = await Pixeltable.open(path, { functions: [udf({ name: 'again_city' }, (name: string) => name)] })
  await expect((await pxtAgain.getTable('chats')).insert(call)).rejects.toThrow(/'again_city'.*has no parameters/)
  pxtAgain.close()
})
