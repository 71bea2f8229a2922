import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readScifact } from '../../../scripts/mini-embed/datasets.js'
import { miniEmbed } from '../../../src/models/mini-embed/mini-embed.js'
import { VectorMatrix } from '../../../src/search/matrix/vector-matrix.js'

const data = fileURLToPath(new URL('../../../../shared/data', import.meta.url))

describe.skipIf(!existsSync(join(data, 'retrieval/scifact')))('SciFact by the built-in model', () => {
  test('bits find at least 98 of 100, and int8 all of them', { timeout: 120_000 }, async () => {
    const { documents, queries } = readScifact(data)
    const embed = (texts: Iterable<string>) => miniEmbed().embed([...texts]) as Promise<Float32Array[]>
    const vectors = await embed(documents.values())
    const rowids = vectors.map((_, i) => i + 1)
    const fetch = (ids: readonly number[]) => ids.map((id) => vectors[id - 1]!)
    const [exact, int8, bits] = (['float32', 'int8', 'bit'] as const).map((precision) => {
      const matrix = new VectorMatrix({ dimensions: 384, metric: 'cosine', precision, vectors: fetch })
      matrix.set(rowids, vectors)
      return matrix
    })
    let found = 0
    let wanted = 0
    for (const query of await embed(queries.values())) {
      const best = exact!.search(query, { k: 10 })
      expect(int8!.search(query, { k: 10 })).toEqual(best)
      found += bits!.search(query, { k: 10 }).rowids.filter((id) => best.rowids.includes(id)).length
      wanted += 10
    }
    expect(found / wanted).toBeGreaterThanOrEqual(0.98)
  })
})
