import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { type RetrievalSet, readMsmarco, readScifact, readXquad } from '../../scripts/mini-embed/datasets.js'
import { Pixeltable, t } from '../../src/index.js'
import { miniEmbed } from '../../src/models/mini-embed/mini-embed.js'
import { openOnnx } from '../../src/models/onnx.js'
import { VectorMatrix } from '../../src/search/matrix/vector-matrix.js'
import { naiveScore } from '../search/matrix/oracle.js'

// How much of the ten best real embeddings are found: by bits at least 98 of 100, by all else 100.

const data = fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** Of the best rows by bits, compared by whole numbers with the exact ones. */
function recallOfBits(vectors: readonly Float32Array[], queries: readonly Float32Array[]): number {
  const rowids = vectors.map((_, i) => i + 1)
  const fetch = (ids: readonly number[]) => ids.map((id) => vectors[id - 1]!)
  const [exact, int8, bits] = (['float32', 'int8', 'bit'] as const).map((precision) => {
    const { length } = vectors[0]!
    const matrix = new VectorMatrix({ dimensions: length, metric: 'cosine', precision, vectors: fetch })
    matrix.set(rowids, vectors)
    return matrix
  })
  let found = 0
  for (const query of queries) {
    const best = exact!.search(query, { k: 10 })
    expect(int8!.search(query, { k: 10 })).toEqual(best)
    found += bits!.search(query, { k: 10 }).rowids.filter((id) => best.rowids.includes(id)).length
  }
  return found / queries.length / 10
}

function sentencesOf({ documents, ...set }: RetrievalSet): RetrievalSet {
  const sentences = [...documents.values()].flatMap((text) => text.split(/(?<=[.?!]) /))
  return { ...set, documents: new Map(sentences.map((sentence, i) => [String(i), sentence])) }
}

const embed = (texts: Iterable<string>) => miniEmbed().embed([...texts]) as Promise<Float32Array[]>

describe.skipIf(!existsSync(join(data, 'retrieval')))('texts by the built-in model', () => {
  const sets: [string, () => RetrievalSet][] = [
    ['SciFact', () => readScifact(data)],
    ['MS MARCO 5k', () => readMsmarco(data)],
    ['XQuAD en, sentences', () => sentencesOf(readXquad(data))],
  ]
  test.each(sets)('%s', { timeout: 60_000 }, async (name, read) => {
    const { documents, queries } = read()
    const recall = recallOfBits(await embed(documents.values()), (await embed(queries.values())).slice(0, 400))
    console.log(`${name}: recall@10 of bits ${recall.toFixed(4)}`)
    expect(recall).toBeGreaterThanOrEqual(0.98)
  })

  test('a filter costs no hit, whatever it leaves', { timeout: 60_000 }, async () => {
    const { documents, queries } = readScifact(data)
    const extra = readMsmarco(data).documents
    const vectors = await embed([...documents.values(), ...extra.values()])
    // Above 20,000 rows the scan is by whole numbers: the same texts again, cut in half.
    const halves = await embed([...documents.values(), ...extra.values()].map((text) => text.slice(text.length >> 1)))
    const all = [...vectors, ...halves, ...halves.slice(0, 1000)]
    const asked = (await embed(queries.values())).slice(0, 6)
    const pxt = await Pixeltable.open(':memory:')
    try {
      const table = await pxt.createTable('texts', { id: t.int(), n: t.int(), v: t.vector(384) })
      const texts = await table.addEmbeddingIndex('v')
      await texts.insert(all.map((v, id) => ({ id, n: (id * 7919) % 1000, v })))
      expect(all.length).toBeGreaterThan(20_000)
      await texts.measureRecall('v', { sample: 1 })
      expect((await pxt.indexes('texts'))[0]).toMatchObject({ exact: true, coverage: { done: all.length } })
      for (const percent of [100, 50, 10, 1, 0.1]) {
        for (const vector of asked) {
          const best = all
            .flatMap((v, id) =>
              (id * 7919) % 1000 < 10 * percent ? [{ id, score: naiveScore('cosine', v, vector) }] : [],
            )
            .sort((a, b) => b.score - a.score || a.id - b.id)
          const found = await texts
            .similarity('v', { vector })
            .where((c) => c.n.lt(10 * percent))
            .limit(10)
            .select('id')
            .collect()
          expect(found).toEqual(best.slice(0, 10).map(({ id }) => ({ id })))
        }
      }
    } finally {
      pxt.close()
    }
  })
})

describe.skipIf(!existsSync(join(data, 'imagenette')))('photographs by MobileNet', () => {
  test('1280 dimensions', { timeout: 120_000 }, async () => {
    const model = await openOnnx(join(data, 'models/mobilenet-v2/model.onnx'))
    const names = readdirSync(join(data, 'imagenette')).filter((name, i) => name.endsWith('.JPEG') && i % 2 === 0)
    const vectors: Float32Array[] = []
    for (let from = 0; from < names.length; from += 16) {
      const batch = names.slice(from, from + 16)
      const pixels = await Promise.all(
        batch.map((name) =>
          sharp(join(data, 'imagenette', name))
            .removeAlpha()
            .toColourspace('srgb')
            .resize(224, 224)
            .raw()
            .toBuffer(),
        ),
      )
      const values = new Float32Array(batch.length * 3 * 224 * 224)
      pixels.forEach((image, n) => {
        image.forEach((value, at) => {
          values[(n * 3 + (at % 3)) * 224 * 224 + Math.floor(at / 3)] = (value - 127.5) / 127.5
        })
      })
      const { image_embeds } = await model.run(
        { pixel_values: { type: 'float32', data: values, dims: [batch.length, 3, 224, 224] } },
        ['image_embeds'],
      )
      for (let i = 0; i < batch.length; i++) vectors.push(image_embeds!.data.slice(i * 1280, (i + 1) * 1280))
    }
    const recall = recallOfBits(vectors, vectors)
    console.log(`imagenette: recall@10 of bits ${recall.toFixed(4)}`)
    expect(recall).toBeGreaterThanOrEqual(0.98)
  })
})
