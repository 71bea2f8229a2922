import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as root from '../../src/index.js'
import { optionalPackages } from '../../src/optional-package.js'

const cwd = fileURLToPath(new URL('../../', import.meta.url))

/** The packages that importing the built package loads, seen from a process of its own. */
function packagesOfRoot(): string[] {
  const program = `
    import { register } from 'node:module'
    import { MessageChannel } from 'node:worker_threads'
    const { port1, port2 } = new MessageChannel()
    const seen = new Set()
    port1.on('message', (url) => seen.add(url)); port1.unref()
    const hook = 'let port; export const initialize = (p) => { port = p }; export const load = async (url, c, next) => { port.postMessage(url); return next(url, c) }'
    register('data:text/javascript,' + encodeURIComponent(hook), { parentURL: import.meta.url, data: port2, transferList: [port2] })
    await import('pixeltable')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const names = [...seen].map((url) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1])
    console.log(JSON.stringify([...new Set(names.filter(Boolean))].sort()))
  `
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd, encoding: 'utf8' })
  return JSON.parse(output) as string[]
}

describe('the root entry', () => {
  test('exports these names', () => {
    expect(Object.keys(root).sort()).toEqual([
      'ComputeError',
      'ConflictError',
      'Declaration',
      'DeclaredQuery',
      'DependencyError',
      'EngineError',
      'ExistsError',
      'IndexError',
      'MediaError',
      'MissingPackageError',
      'ModelError',
      'NotFoundError',
      'Pixeltable',
      'PixeltableError',
      'Query',
      'QueryError',
      'Relation',
      'SchemaError',
      'SyncPlan',
      'Table',
      'ValidationError',
      'aggregate',
      'arrayAgg',
      'avg',
      'count',
      'countDistinct',
      'denseRank',
      'documentSplitter',
      'evaluate',
      'evaluateRuns',
      'exists',
      'first',
      'firstValue',
      'highlight',
      'invokeTools',
      'lag',
      'last',
      'lastValue',
      'lead',
      'makeDate',
      'makeTimestamp',
      'max',
      'min',
      'miniEmbed',
      'ntile',
      'pairedBootstrap',
      'progressBar',
      'query',
      'rank',
      'rankingMetrics',
      'readBeir',
      'readQrels',
      'rowNumber',
      'sentenceTransformer',
      'snippet',
      'sql',
      'stddev',
      'stringAgg',
      'suggestWeights',
      'sum',
      't',
      'table',
      'udf',
      'uuid4',
      'uuid7',
      'view',
      'when',
    ])
  })

  // How long it takes is measured by the benchmark, and follows from this.
  test('loads nothing heavy', { timeout: 60_000 }, () => {
    expect(packagesOfRoot()).toEqual(['lru-cache'])
  })

  test('these packages are optional', () => {
    expect(Object.keys(optionalPackages)).toEqual(['apache-arrow', 'onnxruntime-node', 'sharp', 'unpdf', 'usearch'])
  })
})
