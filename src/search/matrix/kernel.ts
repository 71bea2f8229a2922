import { kernelBinary } from './kernel-binary.js'
import { PlainKernel } from './plain-kernel.js'

/**
 * Scores `count` rows against the query at address `query`; see `assembly/kernel.ts` for the layout. Row i is at
 * `rows + i * stride`, or at `rows + list[i] * stride` where `list` is not 0.
 */
export type Scan = (
  query: number,
  rows: number,
  stride: number,
  length: number,
  list: number,
  count: number,
  out: number,
  step: number,
  factor: number,
) => void

/** The loops over the elements of vectors, and the memory that they read and write. */
export interface Kernel {
  /** Another one after `grow`. */
  readonly buffer: ArrayBuffer
  /** Adds at least `bytes` to the memory. */
  grow(bytes: number): void
  readonly dotFloat32: Scan
  readonly distanceFloat32: Scan
  readonly dotInt8: Scan
  readonly dotBits: Scan
  /** Multiplies float32 numbers by signs, then by the Walsh-Hadamard matrix, in place. `length` is a power of two from 8. */
  hadamard(values: number, signs: number, length: number): void
  /**
   * Makes a row of int8 of float32 numbers. Its scale is the factor that makes the largest of them 127, its margin the sum
   * of the squares of what rounding took away, in units of codes. `length` is a multiple of 16.
   */
  quantise(values: number, row: number, length: number): void
  /** Makes a row of bits of float32 numbers: 1 where positive. Its scale is the sum of their sizes. `length` is a multiple of 64. */
  signs(values: number, row: number, length: number): void
  /** Estimates MaxSim from codes; for this and the next two see `assembly/kernel.ts`. */
  maxSimCodes(table: number, parts: number, records: number, count: number, out: number): void
  maxSimFloat64(
    query: number,
    queries: number,
    vectors: number,
    scales: number,
    length: number,
    count: number,
    out: number,
  ): void
  encodeParts(vector: number, centres: number, parts: number, out: number): void
}

const pageSize = 65_536

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): void
}

type Exports = Omit<Kernel, 'buffer' | 'grow'> & { readonly memory: Memory }

/** What is used of it: the types of Node 20 do not declare it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }

let module: object | undefined

/**
 * A kernel with a memory of its own in WebAssembly.
 * @throws TypeError where there is no WebAssembly, and CompileError where it has no SIMD
 */
export function wasmKernel(): Kernel {
  module ??= new WebAssembly.Module(Buffer.from(kernelBinary, 'base64'))
  const { memory, ...loops } = new WebAssembly.Instance(module).exports as Exports
  return {
    ...loops,
    get buffer() {
      return memory.buffer
    },
    grow: (bytes) => {
      memory.grow(Math.ceil(bytes / pageSize))
    },
  }
}

/** A kernel with a memory of its own: in WebAssembly, or in plain TypeScript where there is none or no more room for it. */
export function createKernel(): Kernel {
  try {
    return wasmKernel()
  } catch {
    return new PlainKernel()
  }
}
