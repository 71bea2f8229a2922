import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IndexDefinition, TableDefinition, TextIndexDefinition } from '../../src/catalog/definition.js'
import { definitionFromJson, definitionToJson } from '../../src/catalog/serialize.js'
import { defineTable } from '../../src/compute/definitions.js'
import type { Commit, Engine, Select, TableWrite } from '../../src/engine/index.js'
import { ConflictError, ExistsError, MediaError, PixeltableError, ValidationError } from '../../src/errors.js'
import type { Node } from '../../src/expr/node.js'
import { literal } from '../../src/expr/node.js'
import type { TextQuery } from '../../src/text/index.js'
import type { DecodeContext, Stored } from '../../src/types/column-type.js'
import { t } from '../../src/types/t.js'

const decode: DecodeContext = {
  openMedia: () => {
    throw new Error('no media here')
  },
}

const column = (table: TableDefinition, name: string): Node => ({ kind: 'column', table: table.id, name })
const call = (operator: string, ...args: Node[]): Node => ({ kind: 'call', operator, args })

/** What every engine must do. `open` gives an empty database; the suite closes it. */
export function describeEngine(name: string, open: () => Promise<Engine>): void {
  describe(`the engine ${name}`, () => {
    let engine: Engine
    beforeEach(async () => {
      engine = await open()
    })
    afterEach(() => engine.close())

    async function commit(parts: Partial<Commit>) {
      return engine.commit({ operation: 'test', catalogVersion: await engine.catalogVersion(), ...parts })
    }

    async function create(
      tableName: string,
      schema: Parameters<typeof defineTable>[1]['schema'],
      primaryKey: string[] = [],
    ) {
      const { nextTableId } = await engine.loadCatalog()
      const table = defineTable(nextTableId, { name: tableName, schema, primaryKey })
      await commit({ schema: [{ kind: 'createTable', table }] })
      return table
    }

    const inserts = (columns: string[], rows: Stored[][], bases?: number[]): TableWrite['inserts'] => ({
      count: rows.length,
      columns,
      bases,
      values: columns.map((_, c) => rows.map((row) => row[c]!)),
    })

    const all = (table: TableDefinition, more: Partial<Select> = {}) =>
      engine.select(
        {
          from: { kind: 'table', line: [table] },
          columns: [
            { name: 'id', value: { kind: 'rowid', table: table.id } },
            ...table.columns.map((c) => ({ name: c.name, value: column(table, c.name) })),
          ],
          ...more,
        },
        decode,
      )

    test('keeps definitions, and counts changes of the catalog', async () => {
      const before = await engine.catalogVersion()
      const table = await create('a.b', { x: t.int().default(7), y: t.vector(3).nullable() })
      await commit({ schema: [{ kind: 'createDirectory', name: 'a' }] })
      const stored = await engine.loadCatalog()
      expect(stored.version).toBe(before + 2)
      expect(stored.directories).toEqual(['a'])
      const [row] = stored.tables
      const found = definitionFromJson(row!, { function: () => expect.fail('there is no function') })
      expect(definitionToJson(found)).toEqual(definitionToJson(table))
      expect(stored.nextTableId).toBeGreaterThan(table.id)
    })

    test('keeps ordered indexes over columns and expressions, which only queries of the database see', async () => {
      const table = await create('indexed', { s: t.string().nullable(), j: t.json().nullable() })
      const lower = call('lower', column(table, 's'))
      const path = call('get', column(table, 'j'), literal('v'))
      const keys = [
        { id: 7, name: 'low', parts: [lower], unique: true },
        { id: 8, name: 'mixed', parts: ['s', path], unique: false },
      ]
      const indexed = { ...table, keys, nextId: 9, schemaVersion: table.schemaVersion + 1 }
      await commit({ schema: [{ kind: 'alterTable', was: table, table: indexed }] })
      const [stored] = (await engine.loadCatalog()).tables
      expect(definitionFromJson(stored!, { function: () => expect.fail('there is no function') }).keys).toEqual(keys)
      const rows = [
        ['Ann', '{"v":1}'],
        ['Bob', '{"v":"1"}'],
        [null, null],
        [null, '{}'],
      ]
      await commit({ writes: [{ table: indexed, inserts: inserts(['s', 'j'], rows) }] })
      const found = async (where: Node) => (await all(indexed, { where })).map((row) => row[0])
      expect(await found(call('eq', lower, literal('ann')))).toEqual([1])
      expect(await found(call('eq', path, literal(1)))).toEqual([1])
      expect(await found(call('eq', path, literal('1')))).toEqual([2])
      expect(await found(call('isNull', path))).toEqual([3, 4])
      const twin = { table: indexed, inserts: inserts(['s', 'j'], [['ANN', null]]) }
      await expect(commit({ writes: [twin] })).rejects.toThrow(/'low' has that value already \(s\.lower\(\)\)/)
      const without = { ...indexed, keys: keys.slice(1), schemaVersion: indexed.schemaVersion + 1 }
      await commit({ schema: [{ kind: 'alterTable', was: indexed, table: without }] })
      await commit({ writes: [{ ...twin, table: without }] })
      expect(await found(call('eq', lower, literal('ann')))).toEqual([1, 5])
    })

    test('inserts, updates and deletes in one commit, with keys of rows that do not exist yet', async () => {
      const base = await create('base', { n: t.int() })
      const view: TableDefinition = {
        ...defineTable(base.id + 1, { name: 'view', schema: { m: t.int() }, primaryKey: [] }),
        view: { base: base.id },
      }
      await commit({ schema: [{ kind: 'createTable', table: view }] })
      const first = await commit({
        writes: [
          { table: base, inserts: inserts(['n'], [[10], [20]]) },
          { table: view, inserts: inserts(['m'], [[1], [2], [3]], [-1, -2, -2]) },
        ],
      })
      expect(first.firstRow.get(base.id)).toBe(1)
      const joined = await engine.select(
        {
          from: { kind: 'table', line: [view, base] },
          columns: [
            { name: 'm', value: column(view, 'm') },
            { name: 'n', value: column(base, 'n') },
          ],
        },
        decode,
      )
      expect(joined).toEqual([
        [1, 10],
        [2, 20],
        [3, 20],
      ])
      const second = await commit({
        writes: [
          {
            table: base,
            deletes: [1],
            inserts: inserts(['n'], [[30]]),
            updates: [{ rows: [2], columns: ['n'], values: [[21]] }],
          },
          { table: view, deletes: [1] },
        ],
      })
      expect(second.version).toBe(first.version + 1)
      expect(await all(base)).toEqual([
        [2, 21],
        [3, 30],
      ])
      // Ids are never used again.
      await commit({ writes: [{ table: base, deletes: [3] }] })
      const third = await commit({ writes: [{ table: base, inserts: inserts(['n'], [[40]]) }] })
      expect(third.firstRow.get(base.id)).toBe(4)
      expect(await engine.tableVersion(base)).toBe(third.version)
    })

    test('writes all of a commit or nothing', async () => {
      const table = await create('films', { title: t.string() }, ['title'])
      await commit({ writes: [{ table, inserts: inserts(['title'], [['a']]) }] })
      const version = await engine.tableVersion(table)
      const error = await commit({ writes: [{ table, inserts: inserts(['title'], [['b'], ['a']]) }] }).catch(
        (e: unknown) => e,
      )
      expect(error).toBeInstanceOf(ValidationError)
      expect((error as ValidationError).row).toBe(1)
      expect(await all(table)).toEqual([[1, 'a']])
      expect(await engine.tableVersion(table)).toBe(version)
      await commit({ writes: [{ table, deletes: [1], inserts: inserts(['title'], [['a']]) }] })
      expect(await all(table)).toEqual([[2, 'a']])
    })

    test('refuses what was computed from another state', async () => {
      const table = await create('t', { n: t.int() })
      await commit({ writes: [{ table, inserts: inserts(['n'], [[1]]) }] })
      const catalogVersion = await engine.catalogVersion()
      const version = await engine.tableVersion(table)
      await expect(commit({ catalogVersion: catalogVersion - 1, writes: [] })).rejects.toThrow(ConflictError)
      const stale = { rows: [1], versions: [version - 1], columns: ['n'], values: [[2]] }
      await expect(commit({ writes: [{ table, updates: [stale] }] })).rejects.toThrow(ConflictError)
      await expect(commit({ unchanged: { table, version: version - 1 } })).rejects.toThrow(ConflictError)
      expect(await all(table)).toEqual([[1, 1]])
      await commit({ unchanged: { table, version }, writes: [{ table, updates: [{ ...stale, versions: [version] }] }] })
      expect(await all(table)).toEqual([[1, 2]])
    })

    test('adds columns, renames and drops tables', async () => {
      const table = await create('t', { n: t.int() })
      await commit({ writes: [{ table, inserts: inserts(['n'], [[1]]) }] })
      const wide = {
        ...defineTable(table.id, { name: 't', schema: { n: t.int(), s: t.string().nullable() }, primaryKey: [] }),
        schemaVersion: 2,
      }
      await commit({ schema: [{ kind: 'alterTable', was: table, table: wide }] })
      expect(await all(wide)).toEqual([[1, 1, null]])
      await commit({ schema: [{ kind: 'renameTable', table: wide, name: 'u' }] })
      expect(await all({ ...wide, name: 'u' })).toEqual([[1, 1, null]])
      await expect(create('u', { n: t.int() })).rejects.toThrow(ExistsError)
      await commit({ schema: [{ kind: 'dropTable', table: { ...wide, name: 'u' } }] })
      expect((await engine.loadCatalog()).tables).toEqual([])
      await expect(all({ ...wide, name: 'u' })).rejects.toThrow(PixeltableError)
    })

    test('every type comes back as it went in', async () => {
      const values: [string, ReturnType<(typeof t)[keyof typeof t]>, unknown][] = [
        ['string', t.string(), 'nul\0 "q" 🎬 __proto__'],
        ['int', t.int(), Number.MIN_SAFE_INTEGER],
        ['bigint', t.bigint(), 2n ** 63n - 1n],
        ['float', t.float(), -0.1],
        ['infinite', t.float(), Number.POSITIVE_INFINITY],
        ['bool', t.bool(), true],
        ['timestamp', t.timestamp(), new Date('2026-01-31T09:30:00.123Z')],
        ['date', t.date(), '2024-02-29'],
        ['uuid', t.uuid(), 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
        ['json', t.json(), { a: [1, null, { b: 'ü' }], c: true }],
        ['binary', t.binary(), Uint8Array.of(0, 255)],
        [
          'array',
          t.array({ dtype: 'int16', shape: [2, 2] }),
          { dtype: 'int16', shape: [2, 2], data: Int16Array.of(1, -2, 3, 4) },
        ],
        [
          'open array',
          t.array({ dtype: 'int64', shape: [null] }),
          { dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, -2n) },
        ],
        ['vector', t.vector(2), Float32Array.of(0.5, -1)],
        [
          'several vectors',
          t.multiVector(2),
          { dtype: 'float32', shape: [2, 2], data: Float32Array.of(0.5, -1, 3, 4) },
        ],
      ]
      const schema = Object.fromEntries(values.map(([, type], i) => [`c${i}`, type]))
      const table = await create('types', schema)
      const row = values.map(([, type, value]) => type.type.encode(type.type.parse(value)) as Stored)
      await commit({ writes: [{ table, inserts: inserts(Object.keys(schema), [row]) }] })
      const [read] = await all(table)
      expect(read!.slice(1)).toEqual(values.map(([, , value]) => value))
    })

    test('filters, sorts with nulls last, pages, counts', async () => {
      const table = await create('t', { n: t.int().nullable(), s: t.string() })
      await commit({
        writes: [
          {
            table,
            inserts: inserts(
              ['n', 's'],
              [
                [3, 'a'],
                [null, 'b'],
                [1, 'a'],
                [3, 'c'],
              ],
            ),
          },
        ],
      })
      const by = (direction: 'asc' | 'desc') => ({ orderBy: [{ node: column(table, 'n'), direction }] })
      expect((await all(table, by('asc'))).map((row) => row[0])).toEqual([3, 1, 4, 2])
      expect((await all(table, by('desc'))).map((row) => row[0])).toEqual([1, 4, 3, 2])
      expect((await all(table, { ...by('asc'), limit: 2, offset: 1 })).map((row) => row[0])).toEqual([1, 4])
      expect((await all(table, { after: 2, limit: 1 })).map((row) => row[0])).toEqual([3])
      expect((await all(table, { keys: { of: 'row', ids: [4, 2, 99] } })).map((row) => row[0])).toEqual([2, 4])
      const where = call('gt', column(table, 'n'), literal(1))
      expect((await all(table, { where })).map((row) => row[0])).toEqual([1, 4])
      const select: Select = {
        from: { kind: 'table', line: [table] },
        columns: [{ name: 's', value: column(table, 's') }],
      }
      expect(await engine.count({ ...select, where }, decode)).toBe(2)
      expect(await engine.count({ ...select, where, limit: 1 }, decode)).toBe(1)
      expect(await engine.count({ ...select, distinct: true }, decode)).toBe(3)
      expect(
        await engine.select(
          { ...select, distinct: true, orderBy: [{ node: column(table, 's'), direction: 'asc' }] },
          decode,
        ),
      ).toEqual([['a'], ['b'], ['c']])
    })

    test.each(['cosine', 'euclidean', 'inner_product'] as const)('ranks vectors by %s', async (metric) => {
      const plain = await create('t', { s: t.string() })
      const index = { id: 2, name: 'i', column: 's', metric, embedder: { name: 'e', version: 1 }, dimensions: 2 }
      const table: TableDefinition = { ...plain, indexes: [index], nextId: 3, schemaVersion: 2 }
      await commit({ schema: [{ kind: 'alterTable', was: plain, table }] })
      const vectors = [Float32Array.of(1, 0), Float32Array.of(3, 4), Float32Array.of(0, 0), null]
      await commit({
        writes: [
          {
            table,
            inserts: inserts(['s'], [['a'], ['b'], ['c'], ['d']]),
            vectors: [{ index: 'i', rows: [-1, -2, -3, -4], vectors }],
          },
        ],
      })
      const scores = {
        cosine: [
          [1, 1],
          [2, 0.6],
          [3, 0],
        ],
        euclidean: [
          [1, 1],
          [3, 0.5],
          [2, 1 / (1 + Math.sqrt(20))],
        ],
        inner_product: [
          [2, 3],
          [1, 1],
          [3, 0],
        ],
      }[metric]
      const search = { kind: 'vector' as const, owner: table, index, vector: Float32Array.of(1, 0) }
      const select: Select = {
        from: { kind: 'table', line: [table], search },
        columns: [
          { name: 'id', value: { kind: 'rowid', table: table.id } },
          { name: 'score', value: { kind: 'score' } },
        ],
      }
      const found = await engine.select(select, decode)
      expect(found.map(([id]) => id)).toEqual(scores.map(([id]) => id))
      found.forEach(([, score], i) => {
        expect(score).toBeCloseTo(scores[i]![1]!, 5)
      })
      expect(await engine.count(select, decode)).toBe(3)
      await commit({ writes: [{ table, deletes: [1], vectors: [{ index: 'i', rows: [2], vectors: [null] }] }] })
      expect(await engine.count(select, decode)).toBe(1)
    })

    test.each([
      ['cosine', undefined],
      ['inner_product', undefined],
      ['cosine', 'float16'],
      ['inner_product', 'int8'],
    ] as const)('ranks several vectors a row by %s, stored as %s', async (metric, precision) => {
      const plain = await create('t', { s: t.string() })
      const index: IndexDefinition = {
        ...{ id: 2, name: 'i', column: 's', metric, multi: true, embedder: { name: 'e', version: 1 }, dimensions: 2 },
        ...(precision ? { precision } : {}),
      }
      const table: TableDefinition = { ...plain, indexes: [index], nextId: 3, schemaVersion: 2 }
      await commit({ schema: [{ kind: 'alterTable', was: plain, table }] })
      // One after the other; a row may have any number of them.
      const vectors = [Float32Array.of(3, 4), Float32Array.of(1, 0, 0, 2), Float32Array.of(0, 0, 0, -1, 1, 0), null]
      const write = {
        inserts: inserts(['s'], [['a'], ['b'], ['c'], ['d']]),
        vectors: [{ index: 'i', rows: [-1, -2, -3, -4], vectors }],
      }
      await commit({ writes: [{ table, ...write }] })
      const scores = {
        cosine: [
          [2, 2],
          [1, 1.4],
          [3, 1],
        ],
        inner_product: [
          [1, 10],
          [2, 4],
          [3, 2],
        ],
      }[metric]
      const search = { kind: 'vector' as const, owner: table, index, vector: Float32Array.of(2, 0, 0, 1) }
      const select: Select = {
        from: { kind: 'table', line: [table], search },
        columns: [
          { name: 'id', value: { kind: 'rowid', table: table.id } },
          { name: 'score', value: { kind: 'score' } },
        ],
      }
      const found = await engine.select(select, decode)
      expect(found.map(([id]) => id)).toEqual(scores.map(([id]) => id))
      found.forEach(([, score], i) => {
        expect(score).toBeCloseTo(scores[i]![1]!, 1)
      })
    })

    test('searches texts as they are and as they were, whatever changed them', async () => {
      const plain = await create('t', { s: t.string() })
      const index: TextIndexDefinition = {
        id: 2,
        name: 'i',
        columns: [{ name: 's', weight: 1 }],
        language: 'en',
        tokenizer: 'words',
        prefix: [],
      }
      const table: TableDefinition = { ...plain, textIndexes: [index], nextId: 3, schemaVersion: 2 }
      const tea = { terms: ['tea'], prefix: false }
      const hits = async (query: Partial<TextQuery>, asOf?: number) => {
        const held = asOf === undefined ? undefined : await engine.holdTexts([table], index, asOf)
        const search = {
          kind: 'text' as const,
          owner: table,
          index,
          columns: ['s'],
          query: { any: [], all: [], none: [], ...query },
          held,
        }
        const found = await engine.select(
          {
            from: { kind: 'table', line: [table], asOf, search },
            columns: [{ name: 'id', value: { kind: 'rowid', table: table.id } }],
          },
          decode,
        )
        if (held) await engine.release(held)
        return found.map(([id]) => id)
      }
      await commit({
        writes: [{ table: plain, inserts: inserts(['s'], [['Green tea'], ['bread'], ['Tea, tea and teas']]) }],
      })
      const { version } = await commit({ schema: [{ kind: 'alterTable', was: plain, table }] })
      expect(await hits({ any: [tea] })).toEqual([3, 1])
      expect(await hits({ any: [tea], none: [{ terms: ['gr'], prefix: true }] })).toEqual([3])
      expect(await hits({ any: [tea], all: [[{ terms: ['green', 'tea'], prefix: false }]] })).toEqual([1])
      expect(await hits({})).toEqual([])
      await commit({
        writes: [
          {
            table,
            deletes: [3],
            updates: [{ rows: [2], columns: ['s'], values: [['black tea']] }],
            inserts: inserts(['s'], [['a teapot']]),
          },
        ],
      })
      expect(await hits({ any: [tea] })).toEqual([1, 2])
      expect(await hits({ any: [{ terms: ['tea'], prefix: true }] })).toEqual([1, 2, 4])
      expect(await hits({ any: [tea] }, version)).toEqual([3, 1])
      await commit({ schema: [{ kind: 'restore', tables: [table], asOf: version, reverts: version + 1 }] })
      expect(await hits({ any: [tea] })).toEqual([3, 1])
    })

    test('keeps files once, and reads any part', async () => {
      const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)
      const file = {
        sha256: 'a'.repeat(64),
        size: bytes.length,
        mime: 'application/octet-stream',
        *chunks() {
          for (let i = 0; i < bytes.length; i += 300) yield bytes.subarray(i, i + 300)
        },
      }
      await commit({ files: [file] })
      await commit({ files: [file] })
      const read = async (range?: { start?: number; end?: number }) => {
        const parts: Uint8Array[] = []
        for await (const part of engine.readFile(file.sha256, range)) parts.push(part)
        return [...Buffer.concat(parts)]
      }
      expect(await read()).toEqual([...bytes])
      expect(await read({ start: 250, end: 650 })).toEqual([...bytes.subarray(250, 650)])
      expect(await read({ start: 999, end: 5000 })).toEqual([...bytes.subarray(999)])
      expect(await read({ start: 5, end: 5 })).toEqual([])
      await expect(async () => {
        for await (const _ of engine.readFile('b'.repeat(64))) expect.fail('there is no such file')
      }).rejects.toThrow(MediaError)
    })

    test('shows its query, and how it runs it', async () => {
      const table = await create('t', { n: t.int() })
      const select: Select = {
        from: { kind: 'table', line: [table] },
        columns: [{ name: 'n', value: column(table, 'n') }],
        where: call('eq', column(table, 'n'), literal(5)),
      }
      expect(engine.compile(select).params).toEqual([5])
      expect((await engine.explain(select)).length).toBeGreaterThan(0)
    })
  })
}
