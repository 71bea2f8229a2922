import type { Catalog } from '../catalog/catalog.js'
import {
  type IndexDefinition,
  type KeyDefinition,
  kindOf,
  type Metric,
  type TableDefinition,
  type TextIndexDefinition,
} from '../catalog/definition.js'
import type { Coverage } from '../compute/coverage.js'
import type { IndexMethodOptions } from '../compute/index-method.js'
import { partsInWords } from '../compute/keys.js'
import { textIndexInWords } from '../compute/text-indexes.js'
import { identityOf } from '../expr/function.js'
import { printNode } from '../expr/print.js'
import type { VectorPrecision } from '../types/vector-precision.js'

/** A column, as `describe` shows it. */
export interface ColumnDescription {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** The expression of a computed column. */
  readonly computed?: string
  /** The table that it comes from, where that is a base of this view. */
  readonly from?: string
  /** How much of a computed column of the table's own is there, where that is not all. */
  readonly coverage?: Coverage
}

/** What an index takes. */
export interface IndexSize {
  /** Of the file. An index over a column of vectors has 0: the column holds them. */
  readonly bytes: number
  /** Of memory. Vectors and words come there with searches; 0 until then. */
  readonly memoryBytes: number
}

/** An embedding or multi-vector index, as `describe` and `pxt.indexes` show it. */
export interface IndexDescription extends Partial<IndexSize> {
  readonly table: string
  readonly name: string
  readonly type: 'vector'
  readonly column: string
  /** `'pending'` while rows, or its successor, wait for `drain()`. */
  readonly status: 'ready' | 'pending'
  /** How it is searched; see `EmbeddingIndexOptions.method`. `'maxsim'` where a row has several vectors. */
  readonly method: 'flat' | 'ivfflat' | 'hnsw' | 'rabitq' | 'maxsim'
  /** How its vectors are stored. */
  readonly precision: VectorPrecision
  /** Options of the method. */
  readonly parameters?: Omit<IndexMethodOptions, 'method'>
  /**
   * Whether searches compare all vectors, while the method is not ready too; not in `describe`. Of `'maxsim'`: whether
   * there are so few rows, or none in memory yet.
   */
  readonly exact?: boolean
  readonly metric: Metric
  /** The model as `name@version`; absent where the column holds vectors. */
  readonly embedder?: string
  /** Length of the vectors, once known. */
  readonly dimensions?: number
  /**
   * The index that is being made to take its place: of another model, metric or precision, when `drain()` has made all
   * its vectors. Searches use this one until then. Not in `describe`.
   */
  readonly successor?: { readonly embedder?: string; readonly coverage?: Coverage }
  /** How much of it is there; in `describe`, where that is not all. */
  readonly coverage?: Coverage
}

/** A full-text index, as `describe` and `pxt.indexes` show it. */
export interface TextIndexDescription extends Partial<IndexSize> {
  readonly table: string
  readonly name: string
  readonly type: 'text'
  /** The names of its columns, with commas between them. */
  readonly column: string
  readonly status: 'ready'
  /** The columns with what a word in them counts. */
  readonly columns: Readonly<Record<string, number>>
  readonly method: 'bm25'
  /** A BCP-47 tag, or `none`. */
  readonly language: string
  readonly tokenizer: 'words' | 'trigram'
  /** Lengths of beginnings that are indexed too. */
  readonly prefix: readonly number[]
  /** What embedding indexes have. */
  readonly metric?: undefined
  readonly embedder?: undefined
  readonly dimensions?: undefined
}

/** An index of `addIndex`, as `describe` and `pxt.indexes` show it. */
export interface OrderedIndexDescription extends Partial<IndexSize> {
  readonly table: string
  readonly name: string
  readonly type: 'btree'
  /** Its columns and expressions, with commas between them. */
  readonly column: string
  /** The names of its columns, and its expressions as those of computed columns are shown: `name.lower()`. */
  readonly columns: readonly string[]
  readonly status: 'ready'
  readonly method: 'btree'
  /** Whether no two rows may be equal in them. */
  readonly unique: boolean
  /** What embedding indexes have. */
  readonly metric?: undefined
  readonly embedder?: undefined
  readonly dimensions?: undefined
}

/** What a table or view is. Prints as a table. */
export class TableDescription {
  readonly name: string
  readonly kind: 'table' | 'view'
  /** The base of a view. */
  readonly base: string | undefined
  readonly comment: string | undefined
  readonly primaryKey: readonly string[]
  readonly columns: readonly ColumnDescription[]
  readonly indexes: readonly IndexDescription[]
  readonly textIndexes: readonly TextIndexDescription[]
  readonly orderedIndexes: readonly OrderedIndexDescription[]

  /** @internal */
  constructor(catalog: Catalog, table: TableDefinition, coverage: readonly Coverage[] = []) {
    const partial = (kind: Coverage['kind'], name: string) => {
      const found = coverage.find((c) => c.kind === kind && c.name === name && c.done < c.rows)
      return found ? { coverage: found } : {}
    }
    this.name = table.name
    this.kind = kindOf(table)
    this.base = table.view && catalog.byId(table.view.base).name
    this.comment = table.comment
    this.primaryKey = table.primaryKey
    this.columns = [...catalog.columnsOf(table).values()].map(({ owner, column }) => ({
      name: column.name,
      type: column.type.name,
      nullable: column.nullable,
      ...(column.computed ? { computed: printNode(column.computed) } : {}),
      ...(owner === table ? partial('column', column.name) : { from: owner.name }),
    }))
    this.indexes = withoutSuccessors(table).map((index) => {
      const { coverage: found } = partial('index', index.name)
      return { ...describeIndex(table, index, found), ...(found ? { coverage: found } : {}) }
    })
    this.textIndexes = table.textIndexes.map((index) => describeTextIndex(table, index))
    this.orderedIndexes = table.keys.map((key) => describeOrderedIndex(table, key))
  }

  toString(): string {
    const { kind, name, base, comment, primaryKey } = this
    const head = `${kind} ${name}${base === undefined ? '' : ` of ${base}`}${comment === undefined ? '' : ` — ${comment}`}`
    const width = Math.max(...this.columns.map((column) => column.name.length))
    const columns = this.columns.map((column) => {
      const marks = [
        column.nullable && column.computed === undefined ? 'nullable' : '',
        primaryKey.includes(column.name) ? 'primary key' : '',
        column.computed === undefined ? '' : `= ${column.computed}`,
        column.from === undefined ? '' : `from ${column.from}`,
        printCoverage(column.coverage),
      ]
      return `  ${[column.name.padEnd(width), column.type.padEnd(9), ...marks.filter(Boolean)].join('  ')}`.trimEnd()
    })
    const indexes = this.indexes.map(
      (index) =>
        `  index ${index.name} on ${index.column}: ${[index.method === 'maxsim' ? 'MaxSim' : '', index.metric, index.embedder ?? '', index.precision === 'float32' ? '' : index.precision, index.method === 'flat' || index.method === 'maxsim' ? '' : index.method, printCoverage(index.coverage)].filter(Boolean).join(', ')}`,
    )
    const texts = this.textIndexes.map((index) => `  index ${index.name}: ${textIndexInWords(toDefinition(index))}`)
    const ordered = this.orderedIndexes.map(
      ({ name: of, column, unique }) => `  index ${of} on ${column}: ${unique ? 'unique' : 'ordered'}`,
    )
    return [head, ...columns, ...indexes, ...texts, ...ordered].join('\n')
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

function printCoverage(coverage: Coverage | undefined): string {
  if (!coverage) return ''
  const { rows, done, pending, failed } = coverage
  const rest = [pending && `${pending} pending`, failed && `${failed} failed`].filter(Boolean)
  return `(${[`${done} of ${rows}`, ...rest].join(', ')})`
}

/** The indexes that searches see. */
export const withoutSuccessors = (table: TableDefinition): IndexDefinition[] =>
  table.indexes.filter((index) => !index.successorOf)

/** An index for users. */
export function describeIndex(
  table: TableDefinition,
  index: IndexDefinition,
  coverage: Coverage | undefined,
): IndexDescription {
  const { kind, ...parameters } = index.method ?? { kind: 'flat' }
  return {
    table: table.name,
    name: index.name,
    type: 'vector',
    column: index.column,
    status: coverage && coverage.pending > 0 ? 'pending' : 'ready',
    method: index.multi ? 'maxsim' : kind,
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    metric: index.metric,
    precision: index.precision ?? 'float32',
    ...(index.embedder ? { embedder: identityOf(index.embedder) } : {}),
    ...(index.dimensions === undefined ? {} : { dimensions: index.dimensions }),
  }
}

/** A full-text index for users. */
export function describeTextIndex(
  table: TableDefinition,
  { name, columns, language, tokenizer, prefix }: TextIndexDefinition,
): TextIndexDescription {
  const weights = Object.fromEntries(columns.map((column) => [column.name, column.weight]))
  const column = columns.map((c) => c.name).join(', ')
  const kind = { type: 'text', column, status: 'ready', method: 'bm25' } as const
  return { table: table.name, name, ...kind, columns: weights, language, tokenizer, prefix }
}

/** An ordered index for users. */
export function describeOrderedIndex(
  table: TableDefinition,
  { name, parts, unique }: KeyDefinition,
): OrderedIndexDescription {
  const columns = partsInWords(parts)
  const kind = { type: 'btree', column: columns.join(', '), status: 'ready', method: 'btree' } as const
  return { table: table.name, name, ...kind, columns, unique }
}

const toDefinition = ({ columns, ...rest }: TextIndexDescription) => ({
  ...rest,
  columns: Object.entries(columns).map(([name, weight]) => ({ name, weight })),
})
