import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Kernel, wasmKernel } from '../../../src/search/matrix/kernel.js'
import { headerBytes, PlainKernel } from '../../../src/search/matrix/plain-kernel.js'
import { randomNumbers } from './oracle.js'

test('the kernel that ships is compiled from its source', { timeout: 120_000 }, async () => {
  // @ts-expect-error: a script without types
  const { compileKernel } = (await import('../../../scripts/build-kernel.mjs')) as { compileKernel(): Promise<string> }
  const shipped = new URL('../../../src/search/matrix/kernel-binary.ts', import.meta.url)
  expect(await compileKernel()).toBe(readFileSync(shipped, 'utf8'))
})

test('it is small', async () => {
  const { kernelBinary } = await import('../../../src/search/matrix/kernel-binary.js')
  expect(Buffer.from(kernelBinary, 'base64').length).toBeLessThan(6000)
})

/** The same random memory for both kernels; what `run` leaves from `out` on, as float32. */
function both(count: number, fill: (kernel: Kernel) => void, run: (kernel: Kernel) => void): Float32Array[] {
  return [wasmKernel(), new PlainKernel()].map((kernel) => {
    kernel.grow(2 ** 17)
    fill(kernel)
    run(kernel)
    return new Float32Array(kernel.buffer, out, count)
  })
}

const [list, out, query, rows] = [64, 1024, 4096, 16_384]
// No multiple of four: rows go four at a time.
const count = 43

describe('WebAssembly and TypeScript agree', () => {
  const order = Uint32Array.from({ length: count }, (_, i) => (i * 17) % count)

  test.each([
    ['dotInt8', 96],
    ['dotBits', 64],
    ['dotBits', 8],
  ] as const)('%s of %i bytes, exactly', (scan, length) => {
    for (const at of [0, list]) {
      const stride = headerBytes + Math.ceil(length / 16) * 16
      const [wasm, plain] = both(
        count,
        ({ buffer }) => {
          const random = randomNumbers(length)
          new Uint8Array(buffer).forEach((_, i, bytes) => {
            bytes[i] = random() * 256
          })
          for (let i = 0; i < count; i++) new Float32Array(buffer, rows + i * stride, 3).set([0.5, -3, 2])
          new Uint32Array(buffer, list, count).set(order)
          // Products with int8 must fit in 32 bits.
          const shorts = new Int16Array(buffer, query, 1000)
          shorts.forEach((x, i) => {
            if (scan === 'dotInt8') shorts[i] = x >> 4
          })
        },
        (kernel) => kernel[scan](query, rows, stride, length, at, count, out, 0.25, 2),
      )
      expect(wasm).toEqual(plain)
      expect(new Set(wasm).size).toBeGreaterThan(10)
    }
  })

  test.each(['dotFloat32', 'distanceFloat32'] as const)('%s, but for rounding', (scan) => {
    const [wasm, plain] = both(
      count,
      ({ buffer }) => {
        const random = randomNumbers(1)
        new Float32Array(buffer).forEach((_, i, floats) => {
          floats[i] = random() - 0.5
        })
        new Uint32Array(buffer, list, count).set(order)
      },
      (kernel) => kernel[scan](query, rows, headerBytes + 192, 192, list, count, out, 1, 1),
    )
    wasm!.forEach((x, i) => {
      expect(x).toBeCloseTo(plain![i]!, 5)
    })
  })

  test.each([8, 64, 512])('hadamard of %i', (length) => {
    const [wasm, plain] = both(
      length,
      ({ buffer }) => {
        const random = randomNumbers(length)
        new Float32Array(buffer, out, length).forEach((_, i, floats) => {
          floats[i] = Math.floor(random() * 100)
        })
        new Float32Array(buffer, query, length).forEach((_, i, floats) => {
          floats[i] = random() < 0.5 ? -1 : 1
        })
      },
      (kernel) => kernel.hadamard(out, query, length),
    )
    expect(wasm).toEqual(plain)
  })
})
