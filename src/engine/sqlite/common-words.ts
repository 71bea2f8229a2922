import { analyserOf, type Phrase } from '../../text/index.js'
import type { Select, TextSearch } from '../engine.js'
import type { Connection } from './connection.js'
import { quote } from './fragment.js'
import { indexName, matching } from './text-search.js'

/** Rows from which on it is worth while. */
const manyRows = 5000

/** What is known of an index, for as long as nothing is written. */
interface Statistics {
  readonly state: string
  readonly rows: number
  readonly common: Map<string, boolean>
}

/**
 * Knows the words that more than half of the rows have. BM25 gives such a word a millionth of what others count, and
 * ranking its rows takes most of the time; so a search that wants the best few tries without it first.
 */
export class CommonWords {
  readonly #connection: Connection
  readonly #statistics = new Map<string, Statistics>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * The query without words that are too common to matter: when it fills its limit, no other row is better.
   * @returns undefined where that says nothing, or makes no difference
   */
  without(select: Select): Select | undefined {
    const { from, limit, orderBy, groupBy, distinct } = select
    if (from.kind !== 'table' || from.search?.kind !== 'text' || !limit || orderBy?.length || groupBy || distinct)
      return
    const { search } = from
    const { any, all } = search.query
    // Of a language with stop words queries lack them already.
    if (all.length > 0 || any.length < 2 || search.held || analyserOf(search.index).knowsStopWords) return
    const statistics = this.#statisticsOf(search)
    if (statistics.rows < manyRows) return
    const rest = any.filter((phrase) => !this.#isCommon(search, phrase, statistics))
    if (rest.length === 0 || rest.length === any.length) return
    return { ...select, from: { ...from, search: { ...search, query: { ...search.query, any: rest } } } }
  }

  #isCommon(search: TextSearch, phrase: Phrase, { rows, common }: Statistics): boolean {
    if (phrase.terms.length > 1 || phrase.prefix) return false
    const key = `${search.columns.join()} ${phrase.terms[0]}`
    let known = common.get(key)
    if (known === undefined) {
      const { sql, params } = matching(search, [phrase])
      const count = this.#connection.prepare(`SELECT count(*) FROM (${sql} LIMIT ?)`).pluck()
      const most = Math.floor(rows / 2) + 1
      known = (count.get(...params, most) as number) >= most
      common.set(key, known)
    }
    return known
  }

  #statisticsOf(search: TextSearch): Statistics {
    const name = indexName(search)
    const { db } = this.#connection
    // Changes by other connections, and by this one.
    const changes = this.#connection.prepare('SELECT total_changes()').pluck().get()
    const state = `${db.pragma('data_version', { simple: true })} ${changes}`
    let statistics = this.#statistics.get(name)
    if (statistics?.state !== state) {
      const rows = this.#connection
        .prepare(`SELECT count(*) FROM ${quote(`${name}_docsize`)}`)
        .pluck()
        .get() as number
      statistics = { state, rows, common: new Map() }
      this.#statistics.set(name, statistics)
    }
    return statistics
  }
}
