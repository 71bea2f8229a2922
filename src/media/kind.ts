import { MediaError } from '../errors.js'
import type { MediaKind } from '../types/media.js'

const openXml = 'application/vnd.openxmlformats-officedocument'

/** The document formats, and how messages call them. */
const documents: ReadonlyMap<string, string> = new Map([
  ['application/pdf', 'PDF'],
  ['text/markdown', 'Markdown'],
  ['text/html', 'HTML'],
  ['application/xhtml+xml', 'XHTML'],
  ['text/plain', 'plain text'],
  ['application/xml', 'XML'],
  [`${openXml}.wordprocessingml.document`, 'DOCX'],
  [`${openXml}.presentationml.presentation`, 'PPTX'],
  [`${openXml}.spreadsheetml.sheet`, 'XLSX'],
  ['application/vnd.oasis.opendocument.text', 'ODT'],
  ['application/epub+zip', 'EPUB'],
  ['application/rtf', 'RTF'],
])

/** Containers of pictures and sound that are as often used for sound alone. */
const containers: ReadonlySet<string> = new Set([
  'application/ogg',
  'video/mp4',
  'video/ogg',
  'video/webm',
  'video/matroska',
  'video/quicktime',
  'video/3gpp',
  'video/3gpp2',
  'video/x-ms-asf',
])

interface KindRules {
  accepts(mime: string): boolean
  readonly expects: string
}

const rules: Readonly<Record<MediaKind, KindRules>> = {
  image: {
    accepts: (mime) => mime.startsWith('image/'),
    expects: 'an image such as JPEG, PNG, WebP, AVIF, TIFF or SVG',
  },
  video: {
    accepts: (mime) => mime.startsWith('video/') || mime === 'application/ogg',
    expects: 'a video such as MP4, WebM or QuickTime',
  },
  audio: {
    accepts: (mime) => mime.startsWith('audio/') || containers.has(mime),
    expects: 'audio such as MP3, WAV, FLAC, Ogg or M4A',
  },
  document: { accepts: (mime) => documents.has(mime), expects: `one of ${[...documents.values()].join(', ')}` },
}

/** Extensions of formats that are told by their bytes, so that a text of that name is not what it claims to be. */
const binaryDocument = /\.(pdf|docx|pptx|xlsx|odt|epub)$/i

/**
 * Checks that content of type `mime` belongs in a column of `kind`.
 *
 * @param mime undefined when the type could not be told
 * @param label the content as messages name it
 * @param name its file name, where it has one
 * @throws MediaError that says what was expected, what came and what to do
 */
export function assertKind(
  kind: MediaKind,
  mime: string | undefined,
  label: string,
  name: string | undefined,
): asserts mime is string {
  if (mime === undefined || !rules[kind].accepts(mime)) {
    const article = /^[aeiou]/.test(kind) ? 'An' : 'A'
    throw new MediaError(
      `${article} ${kind} column expects ${rules[kind].expects}; ${label} is ${mime ?? 'of no type that is known'}. ${advice(mime)}`,
    )
  }
  const claimed = kind === 'document' && documents.get(mime) && isText(mime) ? binaryDocument.exec(name ?? '') : null
  if (claimed !== null) {
    throw new MediaError(
      `${label} is named ${claimed[0]} but holds ${documents.get(mime)}. Check that the file is complete ` +
        'and that a download did not bring an error page; rename it if text is meant.',
    )
  }
}

function isText(mime: string): boolean {
  return mime.startsWith('text/') || mime.endsWith('xml')
}

function advice(mime: string | undefined): string {
  if (mime === undefined) return 'Check that the file is complete.'
  if (mime === 'application/x-cfb') {
    return 'It is an Office file that is password-protected or of the old kind (.doc, .xls, .ppt): save it without a password as DOCX, XLSX or PPTX.'
  }
  if (mime === 'application/json') return 'Parse it and put it in a t.json() column.'
  const fitting = (Object.keys(rules) as MediaKind[]).find((kind) => rules[kind].accepts(mime))
  return fitting === undefined ? 'Convert it, or keep it in a t.binary() column.' : `Put it in a t.${fitting}() column.`
}
