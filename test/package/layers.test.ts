import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../src/', import.meta.url))

/** Lowest first. A file may import from its own layer and from those before it. */
const layers: readonly { readonly name: string; readonly paths: readonly string[] }[] = [
  {
    name: 'ground',
    paths: [
      'errors.ts',
      'pace.ts',
      'optional-package.ts',
      'types/',
      'text/',
      'expr/',
      'catalog/',
      'search/embedder.ts',
    ],
  },
  { name: 'engine', paths: ['engine/'] },
  { name: 'scheduler', paths: ['scheduler/'] },
  { name: 'search', paths: ['search/'] },
  { name: 'plan', paths: ['plan/'] },
  { name: 'content', paths: ['media/', 'documents/', 'formats/'] },
  { name: 'flow', paths: ['iterators/', 'tools/', 'workers/', 'compute/'] },
  { name: 'adapters', paths: ['models/'] },
  { name: 'face', paths: ['query/', 'table/', 'sync/', 'lineage/', 'evaluation/', 'pixeltable.ts', 'index.ts'] },
]

const layerOf = (path: string): number =>
  layers.findIndex((layer) => layer.paths.some((p) => (p.endsWith('/') ? path.startsWith(p) : path === p)))

interface Source {
  readonly path: string
  readonly text: string
}

const sources: readonly Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')

function importsOf({ text }: Source): string[] {
  const clean = withoutComments(text)
  const fixed = clean.matchAll(/\bfrom\s+'([^']+)'/g)
  const dynamic = clean.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)
  return [...fixed, ...dynamic].map((match) => match[1]!)
}

/** Imports that go up, as `from → to`. */
function upwardImports(files: readonly Source[]): string[] {
  return files.flatMap((source) =>
    importsOf(source)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) =>
        relative(root, join(root, dirname(source.path), specifier))
          .replaceAll('\\', '/')
          .replace(/\.js$/, '.ts'),
      )
      .filter((target) => layerOf(target) > layerOf(source.path))
      .map((target) => `${source.path} → ${target}`),
  )
}

const sqlText =
  /\b(SELECT\s[\s\S]{0,200}?\bFROM\b|INSERT\s+(OR\s+\w+\s+)?INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|(CREATE|DROP|ALTER)\s+(TABLE|INDEX)\b|PRAGMA\s)/

/** Files outside the engine that contain SQL or import a database package. */
function leaks(files: readonly Source[]): string[] {
  return files
    .filter(({ path }) => !path.startsWith('engine/'))
    .flatMap((source) => {
      const found = importsOf(source).filter((name) => name === 'better-sqlite3' || name === 'sqlite-vec')
      const sql = sqlText.exec(withoutComments(source.text))
      return [...found, ...(sql ? [sql[0]] : [])].map((what) => `${source.path}: ${what}`)
    })
}

describe('layers', () => {
  test('every file belongs to one', () => {
    expect(sources.filter(({ path }) => layerOf(path) < 0).map(({ path }) => path)).toEqual([])
  })

  test('import downwards only', () => {
    expect(upwardImports(sources)).toEqual([])
  })

  test('SQL text and the database packages are in the engine alone', () => {
    expect(leaks(sources)).toEqual([])
  })

  test('these checks can fail', () => {
    expect(upwardImports([{ path: 'expr/bad.ts', text: `import { Table } from '../table/table.js'` }])).toEqual([
      'expr/bad.ts → table/table.ts',
    ])
    expect(upwardImports([{ path: 'plan/bad.ts', text: `await import('../compute/change.js')` }])).toHaveLength(1)
    expect(leaks([{ path: 'table/bad.ts', text: 'const q = `SELECT a FROM b`' }])).toHaveLength(1)
    expect(leaks([{ path: 'table/bad.ts', text: `import SQLite from 'better-sqlite3'` }])).toHaveLength(1)
  })
})
