import { foldName } from '../catalog/catalog.js'
import type { IndexDefinition, IndexMethod, KeyDefinition, KeyPart, TableDefinition } from '../catalog/definition.js'
import { altered } from '../compute/definitions.js'
import { embedderOf, multiEmbedderOf } from '../compute/embedder-of.js'
import { indexMethod, loadMethod, methodInWords } from '../compute/index-method.js'
import {
  addEmbeddingIndex,
  addIndex,
  alterIndexMethod,
  defineIndex,
  dropEmbeddingIndex,
  dropIndex,
  withMethod,
  withoutIndex,
} from '../compute/indexes.js'
import { keyParts, partsInWords, withKey } from '../compute/keys.js'
import {
  addTextIndex,
  defineTextIndex,
  dropTextIndex,
  sameTextIndex,
  textIndexInWords,
  withTextIndex,
} from '../compute/text-indexes.js'
import { NotFoundError } from '../errors.js'
import { Relation } from '../query/relation.js'
import { indexInWords, keyInWords, sameIndex, sameKey, sameMethod } from './compare.js'
import type {
  DeclarationParts,
  DeclaredVectorIndex,
  OrderedIndexDeclarationOptions,
  TextIndexDeclarationOptions,
} from './declaration.js'
import type { Action, Draft } from './draft.js'

/**
 * Plans the indexes of a table, and to drop those that are not declared.
 * @param unique the constraints that the options of a table declare
 */
export function planIndexes(
  draft: Draft,
  id: number,
  { indexes }: DeclarationParts,
  unique: readonly KeyDefinition[],
): void {
  /** Ids of the indexes that are declared. */
  const used = new Set<number>()
  for (const { parts } of unique) planKey(draft, id, parts, { unique: true }, used)
  const refs = () => new Relation<any>(draft.beside, draft.catalog.byId(id)).columns
  for (const index of indexes) {
    if (index.kind !== 'ordered') continue
    const parts = keyParts(index.columns, refs, `an index of '${draft.catalog.byId(id).name}'`)
    planKey(draft, id, parts, index.options, used)
  }
  const embedding = indexes.flatMap((index) =>
    index.kind === 'embedding' || index.kind === 'multiVector' ? [index] : [],
  )
  // An index with a name is the one of that name; one without takes what is left on its column.
  const named = embedding.filter(({ options }) => options.name !== undefined)
  const unnamed = embedding.filter(({ options }) => options.name === undefined)
  for (const index of [...named, ...unnamed]) planEmbeddingIndex(draft, id, index, used)
  const texts = indexes.flatMap((index) => (index.kind === 'text' ? [index] : []))
  for (const { columns, options } of texts.toSorted((a, b) => Number(!a.options.name) - Number(!b.options.name))) {
    planTextIndex(draft, id, columns, options, used)
  }
  planLeftoverIndexes(draft, draft.catalog.byId(id), used)
}

function planKey(
  draft: Draft,
  id: number,
  given: readonly KeyPart[],
  options: OrderedIndexDeclarationOptions,
  used: Set<number>,
): void {
  const table = draft.catalog.byId(id)
  const { name, unique = false } = options
  const { parts } = withKey(draft.catalog, table, given, { unique }).keys.at(-1)!
  const found = table.keys.find(
    (key) =>
      !used.has(key.id) &&
      (name === undefined ? sameKey(key, { ...key, parts, unique }) : foldName(key.name) === foldName(name)),
  )
  const remaining = { ...table, keys: table.keys.filter((key) => key !== found) }
  const next = withKey(draft.catalog, remaining, parts, options)
  const wanted = next.keys.at(-1)!
  if (found && sameKey(found, wanted)) {
    used.add(found.id)
    return
  }
  used.add(wanted.id)
  draft.define(id, () => altered(next, {}))
  const add: Action['run'] = (catalog) => addIndex(draft.session, catalog, table, parts, options)
  if (!found) {
    draft.act({ kind: 'addIndex', table: table.name, index: wanted.name, columns: partsInWords(parts) }, add)
    return
  }
  const [from, to] = [keyInWords(found), keyInWords(wanted)]
  draft.act({ kind: 'replaceIndex', table: table.name, index: found.name, from, to }, async (catalog, how) => {
    await dropIndex(draft.session, catalog, table, found.name)
    await add(await draft.session.catalog(), how)
  })
}

function planEmbeddingIndex(draft: Draft, id: number, declared: DeclaredVectorIndex, used: Set<number>): void {
  const table = draft.catalog.byId(id)
  const { column } = declared
  const { metric = 'cosine', name, precision } = declared.options
  const multi = declared.kind === 'multiVector' ? true : undefined
  const owned = draft.catalog.columnsOf(table).get(column)
  if (!owned) throw new NotFoundError(`'${table.name}' has no column '${column}' to index`)
  const { embed } = declared.options
  const embedder = embed === undefined ? undefined : multi ? multiEmbedderOf(embed) : embedderOf(embed)
  const method =
    declared.kind === 'embedding'
      ? indexMethod(declared.options, `embedding index on '${column}' of '${table.name}'`)
      : undefined
  if (embedder) draft.bring('embedder', embedder)
  const free = table.indexes.filter((index) => !used.has(index.id) && !index.successorOf && index.multi === multi)
  const here = free.filter((index) => index.column === column)
  const ofModel = here.filter((index) => index.embedder?.name === embedder?.name)
  const found =
    name === undefined
      ? (ofModel.find((index) => index.metric === metric) ?? ofModel[0] ?? here[0])
      : free.find((index) => foldName(index.name) === foldName(name))
  const rest = withoutIndex(table, found)
  const successor = table.indexes.find((index) => found && index.successorOf?.id === found.id)
  const wanted = defineIndex(rest, owned.column, { name, metric, multi, embedder, method, precision })
  // What takes its place is under way.
  const current = successor ?? found
  if (found && current && sameIndex(current, wanted)) {
    used.add(found.id)
    if (!sameMethod(current, wanted)) planMethod(draft, table, current, method)
    return
  }
  used.add(wanted.id)
  draft.define(id, () => altered(rest, { indexes: [...rest.indexes, wanted], nextId: rest.nextId + 1 }))
  const options = { column, name: wanted.name, metric, multi, method, precision, embedder, ifExists: 'error' } as const
  const add: Action['run'] = async (catalog, how) => {
    await loadMethod(method)
    await addEmbeddingIndex(draft.session, catalog, table, { ...options, ...how })
  }
  if (!found) {
    const model = embedder ? { embedder: embedder.name } : {}
    draft.act({ kind: 'addIndex', table: table.name, index: wanted.name, columns: [column], ...model }, add)
    return
  }
  const [from, to] = [indexInWords(found), indexInWords(wanted)]
  draft.act({ kind: 'replaceIndex', table: table.name, index: found.name, from, to }, async (catalog, how) => {
    await loadMethod(method)
    await addEmbeddingIndex(draft.session, catalog, table, { ...options, ...how, replaces: found.name })
  })
}

/** Plans that an index is searched in another way. Its vectors stay. */
function planMethod(
  draft: Draft,
  table: TableDefinition,
  found: IndexDefinition,
  method: IndexMethod | undefined,
): void {
  const wanted = withMethod(found, method)
  draft.define(table.id, (_, t) =>
    altered(t, { indexes: t.indexes.map((index) => (index.id === found.id ? wanted : index)) }),
  )
  const [from, to] = [found, wanted].map((index) => (index.method ? methodInWords(index.method) : 'flat')) as [
    string,
    string,
  ]
  draft.act({ kind: 'alterIndex', table: table.name, index: found.name, from, to }, async (catalog) => {
    await loadMethod(method)
    await alterIndexMethod(draft.session, catalog, table, found.name, method)
  })
}

function planTextIndex(
  draft: Draft,
  id: number,
  columns: unknown,
  options: TextIndexDeclarationOptions,
  used: Set<number>,
): void {
  const table = draft.catalog.byId(id)
  const { name } = options
  const free = table.textIndexes.filter((index) => !used.has(index.id))
  // Without a name it is that over the same columns.
  const declared = defineTextIndex(draft.catalog, { ...table, textIndexes: [] }, { ...options, columns })
  const over = new Set(declared.columns.map((column) => column.name))
  const here = free.filter(
    (index) => index.columns.length === over.size && index.columns.every((c) => over.has(c.name)),
  )
  const found =
    name === undefined
      ? (here.find((index) => sameTextIndex(index, declared)) ?? here[0])
      : free.find((index) => foldName(index.name) === foldName(name))
  const rest = { ...table, textIndexes: table.textIndexes.filter((index) => index !== found) }
  const wanted = defineTextIndex(draft.catalog, rest, { ...options, columns })
  if (found && sameTextIndex(found, wanted)) {
    used.add(found.id)
    return
  }
  used.add(wanted.id)
  draft.define(id, () => withTextIndex(rest, wanted))
  const add: Action['run'] = (catalog) =>
    addTextIndex(draft.session, catalog, table, { ...options, columns, name: wanted.name, ifExists: 'error' })
  if (!found) {
    const names = wanted.columns.map((column) => column.name)
    draft.act(
      { kind: 'addIndex', table: table.name, index: wanted.name, columns: names, language: wanted.language },
      add,
    )
    return
  }
  const [from, to] = [textIndexInWords(found), textIndexInWords(wanted)]
  draft.act({ kind: 'replaceIndex', table: table.name, index: found.name, from, to }, async (catalog, how) => {
    await dropTextIndex(draft.session, catalog, table, { name: found.name })
    await add(await draft.session.catalog(), how)
  })
}

function planLeftoverIndexes(draft: Draft, table: TableDefinition, used: ReadonlySet<number>): void {
  const { session } = draft
  for (const { id, name } of table.keys.filter((key) => !used.has(key.id))) {
    draft.drop({ kind: 'dropIndex', table: table.name, index: name }, () => {
      draft.define(table.id, (_, t) => ({ ...t, keys: t.keys.filter((key) => key.id !== id) }))
      return (catalog) => dropIndex(session, catalog, table, name)
    })
  }
  for (const { id, name, multi } of table.indexes.filter((index) => !used.has(index.id) && !index.successorOf)) {
    draft.drop({ kind: 'dropIndex', table: table.name, index: name }, () => {
      draft.define(table.id, (_, t) =>
        withoutIndex(
          t,
          t.indexes.find((index) => index.id === id),
        ),
      )
      return (catalog) => dropEmbeddingIndex(session, catalog, table, { name, ...(multi ? { multi } : {}) })
    })
  }
  for (const { id, name } of table.textIndexes.filter((index) => !used.has(index.id))) {
    draft.drop({ kind: 'dropIndex', table: table.name, index: name }, () => {
      draft.define(table.id, (_, t) => ({ ...t, textIndexes: t.textIndexes.filter((index) => index.id !== id) }))
      return (catalog) => dropTextIndex(session, catalog, table, { name })
    })
  }
}
