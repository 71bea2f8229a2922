import fc from 'fast-check'
import { expect, test } from 'vitest'
import { documentSplitter, Pixeltable, type Separator, t, table, udf, view } from '../../src/index.js'

/*
 * Whatever was declared before, a file that is synced to declarations is as if it had been made of them: the same
 * definitions, rows, cells and vectors.
 */

const letters = udf({ name: 'pairs_letters', version: 1, returns: t.int() }, (text: string) => text.length)
const embed = (name: string) => ({
  name,
  version: 1,
  embed: async (values: readonly (string | Uint8Array)[]) => values.map((value) => [value.length, name.length]),
})
const file = (text: string) => new Blob([text], { type: 'text/markdown' })
const rows = [
  { id: 1, file: file('# Tea\n\nSteep for three minutes. Drink.\n\n# Bread\n\nBake. Cool. Eat.'), stars: 1 },
  { id: 2, file: file('# Soup\n\nBoil.\n'), stars: 3 },
  { id: 3, file: file('One. Two. Three.'), stars: 5 },
]

const shape = fc.record({
  comment: fc.constantFrom(undefined, 'one', 'two'),
  tag: fc.constantFrom(undefined, 'a', 'b'),
  half: fc.constantFrom(undefined, 1, 2),
  more: fc.boolean(),
  stored: fc.boolean(),
  check: fc.boolean(),
  key: fc.constantFrom(undefined, 'stars', 'half'),
  separators: fc.constantFrom<readonly Separator[]>(['heading'], ['sentence'], ['heading', 'sentence']),
  metadata: fc.constantFrom(['heading'] as const, ['heading', 'page'] as const, [] as const),
  least: fc.constantFrom(0, 2, 4),
  length: fc.constantFrom(undefined, 1, 10),
  headed: fc.boolean(),
  model: fc.constantFrom(undefined, 'one', 'other'),
  metric: fc.constantFrom('cosine', 'euclidean'),
  top: fc.constantFrom('text', 'size', 'all'),
  shows: fc.constantFrom(undefined, ['id', 'pos', 'text'], ['id', 'pos', 'text', 'stars']),
})
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never

/** A table, chunks of its documents and a view of those, each with what a shape asks for. */
function declarations(s: Shape) {
  let docs: any = table(
    'd.docs',
    {
      id: t.int(),
      file: t.document(),
      stars: t.int(),
      ...(s.tag === undefined ? {} : { tag: t.string().default(s.tag) }),
    },
    {
      primaryKey: ['id'],
      ...(s.comment === undefined ? {} : { comment: s.comment }),
      ...(s.check ? { check: { positive: (c: any) => c.stars.gt(0) } } : {}),
    },
  )
  const { half } = s
  if (half !== undefined) docs = docs.computed('half', (c: any) => c.stars.add(1).floorDiv(half))
  if (s.half !== undefined && s.more) {
    docs = docs.computed('more', (c: any) => c.half.mul(10), { stored: s.stored })
  }
  if (s.key === 'stars' || (s.key === 'half' && s.half !== undefined)) docs = docs.index(s.key)
  let chunks: any = view(
    'd.chunks',
    docs.where((c: any) => c.stars.gt(s.least)),
    { iterator: documentSplitter((c: any) => c.file, { separators: s.separators, metadata: s.metadata }) },
  )
  const { length } = s
  if (length !== undefined) chunks = chunks.computed('size', (c: any) => letters(c.text).mul(length))
  if (s.headed && s.metadata.length > 0) chunks = chunks.computed('head', (c: any) => c.heading.get('h1'))
  if (s.model !== undefined) chunks = chunks.embeddingIndex('text', { embed: embed(s.model), metric: s.metric })
  const top =
    s.top === 'size' && s.length !== undefined
      ? chunks.where((c: any) => c.size.gt(50))
      : s.top === 'text'
        ? chunks.where((c: any) => c.text.length().gt(8))
        : chunks
  const shown = s.shows === undefined ? top : top.select(...s.shows)
  return { docs, chunks, top: view('d.top', shown).computed('loud', (c: any) => c.text.upper()) }
}

/** What can be seen of the three, whatever the order of columns. */
async function seen(pxt: Pixeltable, s: Shape) {
  const named = ['d.docs', 'd.chunks', 'd.top']
  const tables = await Promise.all(named.map((name) => pxt.getTable(name)))
  const definitions = tables.map((each) => {
    const { columns, ...rest } = each.describe()
    return { ...rest, columns: [...columns].sort((a, b) => (a.name < b.name ? -1 : 1)) }
  })
  const contents = await Promise.all(
    tables.map(async (each) => {
      const found = (await each.collect()).map(({ file: _, ...row }) => row)
      return found.sort((a, b) => a.id - b.id || a.pos - b.pos)
    }),
  )
  const hits =
    s.model === undefined
      ? []
      : (await tables[1]!.similarity('text', { vector: [3, 4] }).collect())
          .map(({ text, score }) => ({ text, score }))
          .sort((a, b) => b.score - a.score || (a.text < b.text ? -1 : 1))
  return { definitions, contents, hits }
}

test('sync(A) and then sync(B, prune) is a fresh sync(B)', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(shape, shape, async (a, b) => {
      const [migrated, fresh] = [await Pixeltable.open(':memory:'), await Pixeltable.open(':memory:')]
      try {
        const { docs } = await migrated.sync(declarations(a))
        await docs.insert(rows)
        const wanted = declarations(b)
        const before = await migrated.sync(wanted, { dryRun: true, prune: true })
        const handles = await migrated.sync(wanted, { prune: true })
        expect((await migrated.sync(wanted, { dryRun: true, prune: true, recompute: true })).steps).toEqual([])
        const [last, ...earlier] = await handles.docs.history()
        if (before.isEmpty) expect(last!.operation).toBe('insert')
        expect(earlier.filter(({ operation }) => operation === 'sync').length).toBeLessThanOrEqual(1)
        // Values that a default gave stay when the default changes.
        const kept = a.tag !== undefined && b.tag !== undefined ? { tag: a.tag } : {}
        await (await fresh.sync(wanted)).docs.insert(rows.map((row) => ({ ...row, ...kept })))
        expect(await seen(migrated, b)).toEqual(await seen(fresh, b))
        // And it goes on as the fresh one does.
        const more = { id: 4, file: file('# Late\n\nIt came later. Indeed.'), stars: 5 }
        await handles.docs.insert(more)
        await (await fresh.getTable('d.docs')).insert(more)
        expect(await seen(migrated, b)).toEqual(await seen(fresh, b))
      } finally {
        migrated.close()
        fresh.close()
      }
    }),
    { numRuns: Number(process.env.SYNC_RUNS ?? 60) },
  )
})
