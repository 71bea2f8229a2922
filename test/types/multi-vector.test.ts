import { describe, expect, test } from 'vitest'
import { type NdArray, Pixeltable, t, table } from '../../src/index.js'
import { multiVectorType } from '../../src/types/multi-vector.js'

const matrix = (...rows: number[][]): NdArray<'float32'> => ({
  dtype: 'float32',
  shape: [rows.length, rows[0]!.length],
  data: Float32Array.from(rows.flat()),
})

describe('t.multiVector', () => {
  test('takes vectors in every form and gives back an array of rank 2', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const pages = await pxt.createTable('pages', {
      n: t.int(),
      patches: t.multiVector(2),
      more: t.multiVector(2).nullable(),
    })
    await pages.insert([
      { n: 1, patches: [[1, 2], [3, 4]] }, // biome-ignore format: rows of a matrix
      { n: 2, patches: [Float32Array.of(1, 2)], more: null },
      { n: 3, patches: Float32Array.of(1, 2, 3, 4, 5, 6) },
      { n: 4, patches: matrix([7, 8]), more: { shape: [1, 2], data: [9, 10] } },
    ])
    expect(await pages.orderBy('n').select('patches', 'more').collect()).toStrictEqual([
      { patches: matrix([1, 2], [3, 4]), more: null },
      { patches: matrix([1, 2]), more: null },
      { patches: matrix([1, 2], [3, 4], [5, 6]), more: null },
      { patches: matrix([7, 8]), more: matrix([9, 10]) },
    ])
    expect(
      await pages
        .where({ n: 3 })
        .select((c) => ({ shape: c.patches.shape() }))
        .collect(),
    ).toEqual([{ shape: [3, 2] }])
    expect(String(pages.describe())).toContain('patches  multiVector')
    pxt.close()
  })

  test.each([
    [[], 'expected at least one vector, got none (a row without vectors has null)'],
    [new Float32Array(0), 'expected at least one vector, got none'],
    [[[1, 2], [1]], 'vector 1: expected a vector of 2 numbers, got 1'],
    [[[1, Number.NaN]], 'vector 0: expected a vector of finite numbers; element 1 is not one'],
    [Float32Array.of(1, 2, 3), 'expected vectors of 2 numbers one after the other, got 3 numbers'],
    [Float32Array.of(1, Infinity), 'expected a vector of finite numbers; element 1 is not one'],
    [{ shape: [1, 3], data: [1, 2, 3] }, 'expected an array of shape (tokens, 2), got shape (1, 3)'],
    [{ shape: [2, 2], data: [1, 2, 3] }, 'expected an array of shape (tokens, 2), got shape (2, 2) with 3 elements'],
    [{ shape: [2], data: [1, 2] }, 'expected an array of shape (tokens, 2), got shape (2)'],
    ['text', 'expected a list of vectors of 2 numbers, got the string "text"'],
  ])('refuses %j, and names row and column', async (patches, message) => {
    const pxt = await Pixeltable.open(':memory:')
    const pages = await pxt.createTable('pages', { patches: t.multiVector(2) })
    const inserted = pages.insert([{ patches: [[1, 2]] }, { patches: patches as never }])
    await expect(inserted).rejects.toThrow(message)
    await expect(inserted).rejects.toMatchObject({ name: 'ValidationError', row: 1, column: 'patches' })
    expect(await pages.count()).toBe(0)
    pxt.close()
  })

  test('is declared, compared and described in JSON Schema', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const Pages = table('pages', { patches: t.multiVector(2) })
    await pxt.sync({ pages: Pages })
    expect((await pxt.sync({ pages: Pages }, { dryRun: true })).isEmpty).toBe(true)
    await expect(pxt.sync({ pages: table('pages', { patches: t.multiVector(3) }) })).rejects.toThrow(
      'multiVector {"dimensions":3}',
    )
    expect(multiVectorType(2).jsonSchema()).toEqual({
      type: 'array',
      minItems: 1,
      items: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
    })
    expect(() => t.multiVector(0)).toThrow('t.multiVector: expected a number of dimensions from 1 to 65535')
    pxt.close()
  })
})
