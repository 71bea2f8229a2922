import { generateText, stepCountIs, type ToolSet } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import { expect, test } from 'vitest'
import { invokeTools, Pixeltable, query, t, udf } from '../../src/index.js'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
}
type Generated = Awaited<ReturnType<MockLanguageModelV3['doGenerate']>>
type Content = Generated['content']

/** A model that answers with these contents, one after the other. */
const model = (...steps: Content[]) =>
  new MockLanguageModelV3({
    doGenerate: steps.map((content): Generated => {
      const unified = content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop'
      return { content, finishReason: { unified, raw: undefined }, usage, warnings: [] }
    }),
  })

const call = (id: string, toolName: string, input: unknown): Content[number] => ({
  type: 'tool-call',
  toolCallId: id,
  toolName,
  input: JSON.stringify(input),
})

const shout = udf({ name: 'ai_shout', parameters: { text: t.string() } }, (text: string) => text.toUpperCase())

async function filmTools() {
  const pxt = await Pixeltable.open(':memory:')
  const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
  await films.insert([
    { title: 'Alien', year: 1979 },
    { title: 'Heat', year: 1995 },
  ])
  const since = query('ai_since', { year: t.int(), limit: t.int().default(5) }, (p) =>
    films.where((c) => c.year.gte(p.year)).limit(p.limit),
  )
  const tools = {
    films_since: since.toTool({ description: 'Films since a year' }),
    shout: shout.toTool({ description: 'Says it loudly' }),
  }
  return { pxt, tools }
}

test('generateText of the AI SDK calls our tools for two steps', async () => {
  const { pxt, tools } = await filmTools()
  const mock = model(
    [call('1', 'films_since', { year: 1990 })],
    [call('2', 'shout', { text: 'heat' })],
    [{ type: 'text', text: 'It is HEAT.' }],
  )
  const result = await generateText({ model: mock, tools, prompt: 'Which film?', stopWhen: stepCountIs(5) })
  expect(result.text).toBe('It is HEAT.')
  expect(result.steps).toHaveLength(3)
  const [first] = result.steps[0]!.toolResults
  // The types of input and output came from the query.
  if (first && !first.dynamic && first.toolName === 'films_since') {
    const titles: string[] = first.output.map((row) => row.title)
    const year: number = first.input.year
    expect([titles, year]).toEqual([['Heat'], 1990])
  } else expect.unreachable()
  expect(result.steps[1]!.toolResults[0]).toMatchObject({ output: 'HEAT' })
  // What the model was told of the tools.
  expect(mock.doGenerateCalls[0]!.tools).toMatchObject([
    {
      type: 'function',
      name: 'films_since',
      description: 'Films since a year',
      inputSchema: {
        type: 'object',
        required: ['year'],
        properties: { year: { type: 'integer' }, limit: { default: 5 } },
      },
    },
    { name: 'shout' },
  ])
  // The result went back to the model.
  const last = mock.doGenerateCalls[1]!.prompt.at(-1)
  expect(JSON.stringify(last)).toContain('"value":[{"title":"Heat","year":1995}]')
  pxt.close()
})

test('arguments that do not fit, and a tool that fails, go back to the model as errors', async () => {
  const { pxt, tools } = await filmTools()
  const failing = udf({ name: 'ai_failing', parameters: {} }, () => {
    throw new Error('no network')
  })
  const mock = model(
    [call('1', 'films_since', { year: 'soon' }), call('2', 'failing', {})],
    [{ type: 'text', text: 'Sorry.' }],
  )
  const all: ToolSet = { ...tools, failing: failing.toTool({ description: 'Fails' }) }
  const { steps } = await generateText({ model: mock, tools: all, prompt: 'Which?', stopWhen: stepCountIs(3) })
  const text = JSON.stringify(mock.doGenerateCalls[1]!.prompt.at(-1))
  expect(text).toContain("the parameter 'year': expected a safe integer")
  expect(text).toContain('ai_failing@1 failed: no network')
  expect(steps).toHaveLength(2)
  pxt.close()
})

test('the signal of the AI SDK reaches the query', async () => {
  const { pxt } = await filmTools()
  const films = await pxt.getTable('films', { title: t.string() })
  const controller = new AbortController()
  const slow = udf({ name: 'ai_slow' }, async (title: string) => {
    controller.abort(new Error('enough'))
    return title
  })
  const all = query('ai_all', {}, () => films.select((c) => ({ t: slow(c.title) })))
  const tool = all.toTool({ description: 'All films' })
  const seen: unknown[] = []
  const execute: typeof tool.execute = async (...args) => {
    const [outcome] = await Promise.allSettled([tool.execute(...args)])
    seen.push(outcome.status === 'rejected' ? outcome.reason.message : outcome.value)
    return []
  }
  const mock = model([call('1', 'all', {})], [{ type: 'text', text: 'x' }])
  const options = { model: mock, prompt: 'x', stopWhen: stepCountIs(3), abortSignal: controller.signal }
  await generateText({ ...options, tools: { all: { ...tool, execute } } }).catch(() => {})
  expect(seen).toEqual(['enough'])
  pxt.close()
})

test('the tool calls of a result are run in a computed column', async () => {
  const { pxt, tools } = await filmTools()
  const mock = model([call('1', 'films_since', { year: 1970, limit: 1 }), call('2', 'shout', { text: 'a' })])
  const { films_since, shout: loud } = tools
  // Without `execute` the AI SDK leaves the calls to the caller.
  const asked = await generateText({
    model: mock,
    prompt: 'x',
    tools: {
      films_since: { description: films_since.description, inputSchema: films_since.inputSchema },
      shout: { description: loud.description, inputSchema: loud.inputSchema },
    },
  })
  const chats = await pxt.createTable('chats', { calls: t.json() })
  const full = await chats.addComputedColumn('results', (c) => invokeTools(c.calls, tools))
  await full.insert([
    { calls: asked.toolCalls.map(({ toolName, input }) => ({ toolName, input })) },
    { calls: { text: 'x', toolCalls: JSON.parse(JSON.stringify(asked.toolCalls)) } },
    { calls: { content: JSON.parse(JSON.stringify(asked.content)) } },
  ])
  const results = { films_since: [[{ title: 'Alien', year: 1979 }]], shout: ['A'] }
  expect(await full.select('results').collect()).toEqual([{ results }, { results }, { results }])
  pxt.close()
})
