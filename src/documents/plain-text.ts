import { BlockBuilder } from './block-builder.js'
import { decodeText } from './decode-text.js'
import type { DocumentFormat } from './format.js'
import { TextBuilder } from './text-builder.js'

/** Plain text: blank lines separate paragraphs, and nothing else means anything. */
export const plainText: DocumentFormat = {
  name: 'plain text',
  mimes: ['text/plain'],
  async parse(bytes, { charset }) {
    const text = await decodeText(bytes, { mime: 'text/plain', transportEncoding: charset })
    const document = new BlockBuilder()
    const paragraph = new TextBuilder()
    let number = 0
    for (const line of text.split(/\r\n|\r|\n/)) {
      number++
      if (line.trim() === '') document.add('paragraph', paragraph.take())
      else paragraph.add(`${line.trimEnd()}\n`, number)
    }
    document.add('paragraph', paragraph.take())
    return { title: null, blocks: document.blocks }
  },
}
