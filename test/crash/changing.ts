/**
 * The victim of the second crash test: a fixed sequence of statements of every kind. Which statement comes next is told
 * by its number alone, so that another process can make the same sequence and be killed anywhere in it.
 */
import { Pixeltable, type Table, t, udf } from '../../src/index.js'

const shout = udf({ name: 'crash_shout', version: 1 }, (s: string) => `${s}!`)
const toy = {
  name: 'crash_toy',
  version: 1,
  embed: async (texts: readonly unknown[]) => texts.map((text) => [String(text).length + 1, 1]),
}

export async function open(path: string) {
  const pxt = await Pixeltable.open(path, { functions: [shout, toy] })
  const tables = await pxt.listTables()
  // One transaction, so that a kill leaves all of this or nothing.
  if (!tables.includes('few')) {
    await pxt.transaction(async (tx) => {
      const plain = await tx.createTable('base', { id: t.int(), s: t.string(), n: t.int() }, { primaryKey: ['id'] })
      const loud = await plain.addComputedColumn('loud', (c) => shout(c.s))
      const base = await loud.addComputedColumn('calc', (c) => c.n.mul(2))
      await base.addEmbeddingIndex('s', { embed: toy, name: 'by_s' })
      const some = await tx.createView(
        'some',
        base.where((c) => c.calc.gt(6)),
      )
      const wide = await some.addComputedColumn('mine', (c) => c.loud.concat('?'))
      await wide.addEmbeddingIndex('loud', { embed: toy, name: 'by_loud' })
      await tx.createView(
        'few',
        wide.where((c) => c.mine.contains('b')),
      )
      // Rows enough for a statement to take some milliseconds.
      await base.insert(Array.from({ length: 300 }, (_, id) => ({ id, s: `a${id}`, n: id % 9 })))
    })
  }
  return pxt
}

interface Row {
  readonly id: number
  readonly s: string
  readonly n: number
}
type Base = Table<Row & { readonly loud: string; readonly calc: number }, Row>

/** The statement with a number; each makes at most one version. */
export async function apply(pxt: Pixeltable, step: number): Promise<void> {
  const base = (await pxt.getTable('base')) as unknown as Base
  const id = (step * 7) % 300
  const statements = [
    () => base.insert(Array.from({ length: 20 }, (_, i) => ({ id: 1000 * (step + 1) + i, s: `b${step}`, n: i }))),
    () =>
      base
        .update({ n: (c) => c.n.add(1), s: (c) => c.s.concat('b') })
        .where((c) => c.id.lt(50))
        .run(),
    () =>
      base.upsert([
        { id, s: `c${step}`, n: 8 },
        { id: 1000 * (step + 1) + 30, s: 'new', n: 9 },
      ]),
    () => base.addColumn('extra', t.int().nullable().default(step)),
    () => base.alterComputedColumn('calc', (c) => c.n.mul((step % 3) + 1)),
    () =>
      pxt.transaction(async (tx) => {
        const inside = (await tx.getTable('base')) as unknown as Base
        await inside.update({ s: 'in a transaction' }).where({ id }).run()
        await inside
          .delete()
          .where((c) => c.id.gt(1000).and(c.n.gt(10)))
          .run()
      }),
    () => base.revert(),
    () => base.recompute(['loud', 'calc']),
    () => base.dropColumn('extra' as never),
    () =>
      base
        .delete()
        .where((c) => c.id.gte(1000))
        .run(),
  ]
  await statements[step % statements.length]!()
}

/** Everything that can be read of the three tables. */
export async function contents(pxt: Pixeltable) {
  const read = async (name: string, search?: string) => {
    const table = await pxt.getTable(name)
    const rows = await (search ? table.similarity(search, 'abc') : table).collect()
    return rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
  }
  return { base: await read('base', 's'), some: await read('some', 'loud'), few: await read('few') }
}

export async function lastVersion(pxt: Pixeltable): Promise<number> {
  const [found] = await pxt.sql<{ v: number }>`SELECT max(version) AS v FROM pxt_versions`
  return found!.v
}

const [path, from] = process.argv.slice(2)
if (path !== undefined && process.argv[1]?.endsWith('changing.ts')) {
  const pxt = await open(path)
  for (let step = Number(from); ; step++) {
    await apply(pxt, step)
    process.stdout.write(`${step}\n`)
  }
}
