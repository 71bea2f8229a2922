import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite/vector'
import { dimensions, filteredParts } from '../corpus.mjs'

const literal = (v) => `[${v.join(',')}]`

function engineOf({ index, efforts }) {
  return {
    async build(corpus) {
      const db = await PGlite.create({ extensions: { vector } })
      await db.exec(
        `CREATE EXTENSION vector; CREATE TABLE items (id int PRIMARY KEY, part int, v vector(${dimensions}))`,
      )
      for (const { first, vectors } of corpus.pages(5000)) {
        const lines = vectors.map((v, i) => `${first + i}\t${(first + i) % filteredParts}\t${literal(v)}`)
        await db.query("COPY items FROM '/dev/blob'", [], { blob: new Blob([`${lines.join('\n')}\n`]) })
      }
      await db.exec("CREATE INDEX ON items (part); SET maintenance_work_mem = '1GB'")
      if (index) await db.exec(`CREATE INDEX ON items USING ${index}`)
      await db.exec('ANALYZE items')
      const ids = async (where, query, k) =>
        (await db.query(`SELECT id FROM items ${where} ORDER BY v <=> $1 LIMIT $2`, [literal(query), k])).rows.map(
          ({ id }) => id,
        )
      return {
        search: (query, k) => ids('', query, k),
        filtered: (query, k) => ids('WHERE part = 0', query, k),
        ...(efforts && { efforts, setEffort: (ef) => db.exec(`SET hnsw.ef_search = ${ef}`) }),
        close: () => db.close(),
      }
    },
  }
}

export const engines = {
  'PGlite, pgvector': engineOf({}),
  'PGlite, pgvector hnsw': engineOf({ index: 'hnsw (v vector_cosine_ops)', efforts: [40, 80, 160, 320] }),
}
