import { join } from 'node:path'
import { LocalIndex } from 'vectra'

export const engines = {
  vectra: {
    async build(corpus, folder) {
      const index = new LocalIndex(join(folder, 'vectra'))
      await index.createIndex()
      await index.beginUpdate()
      for (const { first, vectors } of corpus.pages()) {
        for (const [i, v] of vectors.entries()) await index.insertItem({ vector: [...v], metadata: { id: first + i } })
      }
      await index.endUpdate()
      return {
        search: async (query, k) => (await index.queryItems([...query], '', k)).map(({ item }) => item.metadata.id),
      }
    },
  },
}
