import { Client as Client2, InMemoryTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as Transport1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer as Server1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as Server2 } from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Pixeltable, query, type Tool, t, udf } from '../../src/index.js'

const info = { name: 'films', version: '1.0.0' }
const loud = udf(
  { name: 'mcp_loud', parameters: { text: t.string() }, description: 'Says it loudly' },
  (text: string) => text.toUpperCase(),
)
const sum = udf({ name: 'mcp_sum', parameters: { a: t.int(), b: t.int().default(1) } }, (a: number, b: number) => ({
  sum: a + b,
}))

interface Connected {
  listTools(): Promise<{ tools: { name: string; description?: string | undefined; inputSchema: object }[] }>
  callTool(call: { name: string; arguments: Record<string, unknown> }, ...rest: never[]): Promise<object>
  close(): Promise<void>
}

async function tools(pxt: Pixeltable) {
  const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
  await films.insert([
    { title: 'Alien', year: 1979 },
    { title: 'Heat', year: 1995 },
  ])
  const since = query('mcp_since', { year: t.int() }, (p) => films.where((c) => c.year.gte(p.year)))
  return [
    since.toTool({ name: 'films_since', description: 'Films since a year' }),
    loud.toTool(),
    sum.toTool({ description: 'Adds' }),
  ] as const
}

/** Version 1 of the SDK reads the schemas of zod alone. */
function register<I, O>(server: Server1, tool: Tool<I, O>): void {
  const [name, config, handler] = tool.mcp()
  const inputSchema = z.fromJSONSchema(config.inputSchema.jsonSchema as never)
  server.registerTool(name, { ...config, inputSchema }, (input, extra) => handler(input as I, extra))
}

async function version1(pxt: Pixeltable): Promise<Connected> {
  const server = new Server1(info)
  for (const tool of await tools(pxt)) register(server, tool as Tool<any, unknown>)
  const [ours, theirs] = Transport1.createLinkedPair()
  const client = new Client1(info)
  await Promise.all([server.connect(ours), client.connect(theirs)])
  return client as unknown as Connected
}

async function version2(pxt: Pixeltable): Promise<Connected> {
  const server = new Server2(info)
  const [since, loudly, adds] = await tools(pxt)
  server.registerTool(...since.mcp())
  server.registerTool(...loudly.mcp())
  server.registerTool(...adds.mcp())
  const [ours, theirs] = Transport2.createLinkedPair()
  const client = new Client2(info)
  await Promise.all([server.connect(ours), client.connect(theirs)])
  return client as unknown as Connected
}

describe.each([
  ['version 1', version1],
  ['version 2', version2],
])('an MCP server, %s of the SDK', (_, connect) => {
  test('lists and calls our tools', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const client = await connect(pxt)
    const listed = (await client.listTools()).tools
    expect(listed).toMatchObject([
      {
        name: 'films_since',
        description: 'Films since a year',
        inputSchema: { type: 'object', required: ['year'], properties: { year: { type: 'integer' } } },
      },
      { name: 'mcp_loud', description: 'Says it loudly' },
      { name: 'mcp_sum', inputSchema: { required: ['a'], properties: { b: { default: 1 } } } },
    ])
    const rows = [{ title: 'Heat', year: 1995 }]
    expect(await client.callTool({ name: 'films_since', arguments: { year: 1990 } })).toMatchObject({
      content: [{ type: 'text', text: JSON.stringify(rows) }],
      structuredContent: { result: rows },
    })
    expect(await client.callTool({ name: 'mcp_loud', arguments: { text: 'hi' } })).toMatchObject({
      content: [{ type: 'text', text: 'HI' }],
      structuredContent: { result: 'HI' },
    })
    expect(await client.callTool({ name: 'mcp_sum', arguments: { a: 2 } })).toMatchObject({
      content: [{ type: 'text', text: '{"sum":3}' }],
      structuredContent: { sum: 3 },
    })
    await client.close()
    pxt.close()
  })

  test('tells of arguments that do not fit', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const client = await connect(pxt)
    const wrong = await client.callTool({ name: 'films_since', arguments: { year: 'soon' } })
    expect(wrong).toMatchObject({ isError: true, content: [{ type: 'text', text: expect.stringContaining('year') }] })
    await client.close()
    pxt.close()
  })
})

test('the signal of a request reaches the function, as either version gives it', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const [since] = await tools(pxt)
  const [, , handler] = since.mcp()
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(handler({ year: 1 }, { signal })).rejects.toThrow('enough')
  await expect(handler({ year: 1 }, { mcpReq: { signal } })).rejects.toThrow('enough')
  expect((await handler({ year: 1 })).content).toHaveLength(1)
  pxt.close()
})
