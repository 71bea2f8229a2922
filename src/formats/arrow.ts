import type { FileReader, Writer } from './format.js'
export const readArrow = async (): Promise<FileReader> => {
  throw new Error('todo')
}
export const writeArrow: Writer = async function* () {}
