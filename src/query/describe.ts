import type { Catalog } from '../catalog/catalog.js'
import { kindOf, type Metric, type TableDefinition, type TextIndexDefinition } from '../catalog/definition.js'
import type { Coverage } from '../compute/coverage.js'
import { textIndexInWords } from '../compute/text-indexes.js'
import { identityOf } from '../expr/function.js'
import { argumentsOf, type Node } from '../expr/node.js'

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

/** An embedding or multi-vector index, as `describe` and `pxt.indexes` show it. */
export interface IndexDescription {
  readonly table: string
  readonly name: string
  readonly column: string
  /** `'maxsim'` where a row has several vectors. */
  readonly method: 'flat' | 'maxsim'
  readonly metric: Metric
  /** The model as `name@version`; absent where the column holds vectors. */
  readonly embedder?: string
  /** Length of the vectors, once known. */
  readonly dimensions?: number
  /** How much of it is there; in `describe`, where that is not all. */
  readonly coverage?: Coverage
}

/** A full-text index, as `describe` and `pxt.indexes` show it. */
export interface TextIndexDescription {
  readonly table: string
  readonly name: string
  /** The columns with what a word in them counts. */
  readonly columns: Readonly<Record<string, number>>
  readonly method: 'bm25'
  /** A BCP-47 tag, or `none`. */
  readonly language: string
  readonly tokenizer: 'words' | 'trigram'
  /** Lengths of beginnings that are indexed too. */
  readonly prefix: readonly number[]
  /** What embedding indexes have. */
  readonly column?: undefined
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
    this.indexes = table.indexes.map((index) => ({ ...describeIndex(table, index), ...partial('index', index.name) }))
    this.textIndexes = table.textIndexes.map((index) => describeTextIndex(table, index))
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
        `  index ${index.name} on ${index.column}: ${[index.method === 'maxsim' ? 'MaxSim' : '', index.metric, index.embedder ?? '', printCoverage(index.coverage)].filter(Boolean).join(', ')}`,
    )
    const texts = this.textIndexes.map((index) => `  index ${index.name}: ${textIndexInWords(toDefinition(index))}`)
    return [head, ...columns, ...indexes, ...texts].join('\n')
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

/** An index for users. */
export function describeIndex(table: TableDefinition, index: TableDefinition['indexes'][number]): IndexDescription {
  return {
    table: table.name,
    name: index.name,
    column: index.column,
    method: index.multi ? 'maxsim' : 'flat',
    metric: index.metric,
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
  return { table: table.name, name, columns: weights, method: 'bm25', language, tokenizer, prefix }
}

const toDefinition = ({ columns, ...rest }: TextIndexDescription) => ({
  ...rest,
  columns: Object.entries(columns).map(([name, weight]) => ({ name, weight })),
})

/** The element of a lambda, by how many others enclose it: x, y, z, x3 … */
const itemName = (depth: number): string => ['x', 'y', 'z'][depth] ?? `x${depth}`

/** An expression, readable: `classify(text)`, `price.mul(quantity)`. */
export function printNode(node: Node): string {
  switch (node.kind) {
    case 'column':
      return node.name
    case 'rowid':
      return '_rowid'
    case 'score':
      return 'score'
    case 'terms':
      return 'terms'
    case 'cellError':
      return `${node.name}.${node.part === 'type' ? 'errorType' : 'errorMessage'}()`
    case 'literal':
      return typeof node.value === 'bigint' ? `${node.value}n` : (JSON.stringify(node.value) ?? String(node.value))
    case 'parameter':
      return `$${node.name}`
    case 'item':
      return itemName(node.depth)
    case 'lambda':
      return `(${itemName(node.depth)}) => ${printNode(node.args[0])}`
    case 'call': {
      const [self, ...args] = node.args.map(printNode)
      if (self === undefined) return `${node.operator}()`
      return node.operator.startsWith('media.')
        ? `${self}.${node.operator.slice('media.'.length)}`
        : `${self}.${node.operator}(${args.join(', ')})`
    }
    case 'aggregate':
    case 'window':
      return `${node.name}(${argumentsOf(node).map(printNode).join(', ')})${node.kind === 'window' ? '.over(…)' : ''}`
    case 'subquery':
      return `${node.test}(…)`
    case 'function':
      return `${node.fn.name}(${node.args.map(printNode).join(', ')})`
    case 'fragment':
      return node.parts.reduce((text, part, i) => `${text}\${${printNode(node.args[i - 1]!)}}${part}`)
  }
}
