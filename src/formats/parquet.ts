import type { FileReader, Writer } from './format.js'
export const readParquet = async (): Promise<FileReader> => {
  throw new Error('todo')
}
export const writeParquet: Writer = async function* () {}
