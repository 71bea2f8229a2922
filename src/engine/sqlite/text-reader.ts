import type { TableDefinition, TextIndexDefinition } from '../../catalog/definition.js'
import type { TextReader, TextSearch } from '../engine.js'
import type { Connection } from './connection.js'
import { quote } from './fragment.js'
import { textTable } from './names.js'
import { hitsOf } from './text-search.js'

/** Reads single phrases for those who hold them in memory. */
export class SqliteTexts implements TextReader {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  state(owner: TableDefinition, index: TextIndexDefinition): string {
    // FTS5 writes both whenever it writes: how many rows and terms there are, and where they are.
    const data = quote(`${textTable(owner.name, index.name)}_data`)
    const blocks = this.#connection.prepare(`SELECT hex(block) FROM ${data} WHERE id IN (1, 10)`).pluck().all()
    return blocks.join()
  }

  hits(search: TextSearch): (readonly [rowid: number, score: number])[] {
    const { sql, params } = hitsOf(search)
    return this.#connection
      .prepare(sql)
      .raw()
      .all(...params) as [number, number][]
  }
}
