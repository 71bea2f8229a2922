import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as root from '../../src/index.js'
import { optionalPackages } from '../../src/optional-package.js'

const cwd = fileURLToPath(new URL('../../', import.meta.url))

/** Imports the built package in a process of its own: the packages that were loaded, and the milliseconds it took. */
function importRoot(): { packages: string[]; ms: number } {
  const program = `
    import { register } from 'node:module'
    import { MessageChannel } from 'node:worker_threads'
    const { port1, port2 } = new MessageChannel()
    const seen = new Set()
    port1.on('message', (url) => seen.add(url)); port1.unref()
    const hook = 'let port; export const initialize = (p) => { port = p }; export const load = async (url, c, next) => { port.postMessage(url); return next(url, c) }'
    const watch = process.argv[1] === 'watch'
    if (watch) register('data:text/javascript,' + encodeURIComponent(hook), { parentURL: import.meta.url, data: port2, transferList: [port2] })
    const start = performance.now()
    await import('pixeltable')
    const ms = performance.now() - start
    if (watch) await new Promise((resolve) => setTimeout(resolve, 100))
    const packages = [...new Set([...seen].map((url) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]).filter(Boolean))].sort()
    console.log(JSON.stringify({ packages, ms }))
  `
  const run = (mode: string) =>
    JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', program, '--', mode], { cwd, encoding: 'utf8' }),
    ) as { packages: string[]; ms: number }
  // Watching slows loading, so time is taken without.
  const times = Array.from({ length: 5 }, () => run('time').ms)
  return { packages: run('watch').packages, ms: Math.min(...times) }
}

describe('the root entry', () => {
  test('exports these names', () => {
    expect(Object.keys(root).sort()).toEqual([
      'ComputeError',
      'ConflictError',
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
      'SchemaError',
      'Table',
      'ValidationError',
      'documentSplitter',
      'miniEmbed',
      'query',
      'sentenceTransformer',
      'sql',
      't',
      'udf',
    ])
  })

  test('loads fast, and nothing heavy', { timeout: 60_000 }, () => {
    const { packages, ms } = importRoot()
    // The issue of record sets this bound; it is about what is loaded, and holds with room.
    expect(ms).toBeLessThan(80)
    expect(packages).toEqual(['lru-cache'])
  })

  test('these packages are optional', () => {
    expect(Object.keys(optionalPackages)).toEqual(['onnxruntime-node', 'sharp', 'unpdf'])
  })
})
