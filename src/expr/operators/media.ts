import { localPath, type Media } from '../../types/media.js'
import { intType, stringType } from '../../types/scalars.js'
import type { Operators } from './operator.js'

const text = () => stringType
const int = () => intType

/** What is known of a media file: properties, not methods. */
export const media: Operators = {
  'media.url': {
    operands: ['media'],
    result: text,
    evaluate: (m: Media) => m.url,
    docs: { call: 'url', does: 'Where the bytes are: `pxt:<sha256>` in the database, else a URL.' },
  },
  'media.mime': {
    operands: ['media'],
    result: text,
    evaluate: (m: Media) => m.mime,
    docs: { call: 'mime', does: 'The media type, such as `image/png`.' },
  },
  'media.size': {
    operands: ['media'],
    result: int,
    evaluate: (m: Media) => m.size,
    docs: { call: 'size', does: 'The length in bytes.' },
  },
  'media.sha256': {
    operands: ['media'],
    result: text,
    evaluate: (m: Media) => m.sha256,
    docs: { call: 'sha256', does: 'The SHA-256 of the bytes.' },
  },
  'media.name': {
    operands: ['media'],
    result: text,
    evaluate: (m: Media) => m.name ?? null,
    docs: { call: 'name', does: 'The original file name.' },
  },
  'media.path': {
    operands: ['media'],
    result: text,
    evaluate: (m: Media) => localPath(m.url) ?? null,
    docs: { call: 'path', does: 'The local path, where the file is a reference to one.' },
  },
  'media.format': {
    operands: ['media'],
    result: text,
    evaluate: (m: Media) => m.format ?? null,
    docs: { call: 'format', does: 'The format of an image, such as `jpeg`.' },
  },
  'media.width': {
    operands: ['media'],
    result: int,
    evaluate: (m: Media) => m.width ?? null,
    docs: { call: 'width', does: 'The width of an image in pixels.' },
  },
  'media.height': {
    operands: ['media'],
    result: int,
    evaluate: (m: Media) => m.height ?? null,
    docs: { call: 'height', does: 'The height of an image in pixels.' },
  },
}
