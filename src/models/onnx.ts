import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { ModelError } from '../errors.js'
import { loadOptional } from '../optional-package.js'

/** How an ONNX model runs. */
export interface OnnxOptions {
  /** CPU threads of one operator. Minimum 1. @default one a physical core */
  readonly threads?: number | undefined
  /** How far the graph is rewritten while loading; results may differ in the last digits. @default 'all' */
  readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all' | undefined
}

/** A tensor that a model is given. */
export type OnnxInput =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] }

/** A tensor that a model gives. */
export interface OnnxOutput {
  /** The elements, row by row. */
  readonly data: Float32Array
  /** The length of each axis. */
  readonly dims: readonly number[]
}

/** A loaded ONNX model. Runs may overlap. */
export interface OnnxModel {
  /** Names of the inputs, in the model's order. */
  readonly inputs: readonly string[]
  /** Names of the outputs, in the model's order. */
  readonly outputs: readonly string[]
  /**
   * Runs the model once.
   * @param feeds one tensor an input
   * @param wanted the outputs to compute; all of them when left out
   * @throws ModelError when the model refuses the input, or a wanted output is not float32
   */
  run(feeds: Readonly<Record<string, OnnxInput>>, wanted?: readonly string[]): Promise<Record<string, OnnxOutput>>
}

const models = new Map<string, Promise<OnnxModel>>()

/**
 * Loads an ONNX model on the CPU. Equal calls share one session, which lives as long as the process.
 *
 * @param path of the `.onnx` file; weights beside it are found
 * @throws ModelError when it cannot be read or is no model
 * @throws MissingPackageError when onnxruntime-node is not installed
 *
 * @example
 * ```ts
 * const model = await openOnnx('models/mobilenet-v2/model.onnx', { threads: 2 })
 * const data = new Float32Array(3 * 224 * 224)
 * const { image_embeds } = await model.run({ pixel_values: { type: 'float32', data, dims: [1, 3, 224, 224] } })
 * console.log(image_embeds?.dims) // [1, 1280]
 * ```
 */
export function openOnnx(path: string, options: OnnxOptions = {}): Promise<OnnxModel> {
  const { threads, graphOptimization = 'all' } = options
  const key = JSON.stringify([path, threads, graphOptimization])
  let model = models.get(key)
  if (model === undefined) {
    model = load(path, {
      graphOptimizationLevel: graphOptimization,
      logSeverityLevel: 4, // it prints to stderr what it throws as well, and warnings that tell users nothing
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    })
    models.set(key, model)
    model.catch(() => models.delete(key))
  }
  return model
}

async function load(path: string, options: InferenceSession.SessionOptions): Promise<OnnxModel> {
  const ort = await loadOptional('onnxruntime-node')
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(path, options)
  } catch (cause) {
    throw new ModelError(`Cannot load the ONNX model '${path}'`, { cause })
  }
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, wanted = session.outputNames) {
      const tensors: Record<string, Tensor> = {}
      let results: InferenceSession.ReturnType
      try {
        for (const [name, { type, data, dims }] of Object.entries(feeds)) {
          tensors[name] = new ort.Tensor(type, data as never, dims)
        }
        results = await session.run(tensors, [...wanted])
      } catch (cause) {
        throw new ModelError(`The ONNX model '${path}' failed on inputs ${shapes(feeds)}`, { cause })
      }
      return Object.fromEntries(wanted.map((name) => [name, output(results[name]!, name, path)]))
    },
  }
}

function output({ type, data, dims }: Tensor, name: string, path: string): OnnxOutput {
  if (type !== 'float32') {
    throw new ModelError(`Expected float32 from output '${name}' of the ONNX model '${path}', got ${type}`)
  }
  return { data: data as Float32Array, dims }
}

function shapes(feeds: Readonly<Record<string, OnnxInput>>): string {
  return Object.entries(feeds)
    .map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
    .join(', ')
}
