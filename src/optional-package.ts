import { MissingPackageError } from './errors.js'

/** The optional peers, each with what needs it. A test pins the list. */
export const optionalPackages = {
  'apache-arrow': 'Reading and writing Arrow',
  'onnxruntime-node': 'Running an ONNX model',
  sharp: 'Reading images',
  unpdf: 'Reading PDF documents',
  usearch: "Embedding indexes of method 'hnsw'",
} as const

/** Names of the packages that are loaded on first use. */
export type OptionalPackage = keyof typeof optionalPackages

interface OptionalModules {
  'apache-arrow': typeof import('apache-arrow')
  'onnxruntime-node': typeof import('onnxruntime-node')
  sharp: typeof import('sharp')
  unpdf: typeof import('unpdf')
  usearch: typeof import('usearch')
}

const loaded = new Map<OptionalPackage, Promise<unknown>>()

/**
 * Loads an optional package on its first use.
 * @throws MissingPackageError when it is not installed
 */
export function loadOptional<N extends OptionalPackage>(name: N): Promise<OptionalModules[N]> {
  let module = loaded.get(name)
  if (module === undefined) {
    module = import(name).catch((cause: unknown) => {
      loaded.delete(name)
      if (isMissing(cause, name)) throw new MissingPackageError(name, optionalPackages[name], { cause })
      throw cause
    })
    loaded.set(name, module)
  }
  return module as Promise<OptionalModules[N]>
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${name}'`)
}
