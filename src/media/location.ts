import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MediaError } from '../errors.js'

/** Where the content of a media value lies outside the database file. */
export type Location =
  | { readonly type: 'file'; readonly path: string; readonly label: string }
  | { readonly type: 'http'; readonly url: URL; readonly label: string }
  | { readonly type: 'data'; readonly url: string; readonly label: string }

const works = 'Media can be given as a path, a file:, http:, https: or data: URL, bytes, a Blob or a stored Media'

/**
 * Tells a path from a URL and checks that it is one that can be read. Nothing is opened.
 *
 * @param input a path or URL as the user gave it
 * @param baseDir absolute directory that relative paths start from
 * @throws MediaError when it is empty, a malformed URL, a URL with userinfo or one of another protocol
 */
export function locate(input: string | URL, baseDir: string): Location {
  if (input === '') throw new MediaError(`Expected a path or URL, got an empty string. ${works}.`)
  if (typeof input === 'string' && !isUrl(input)) {
    return { type: 'file', path: resolve(baseDir, input), label: showPath(input) }
  }
  const url = parseUrl(input)
  switch (url.protocol) {
    case 'data:':
      return { type: 'data', url: url.href, label: showUrl(url) }
    case 'file:':
      return fileLocation(url)
    default:
      assertFetchable(url)
      url.hash = '' // it is not sent, so a reference need not keep it
      return { type: 'http', url, label: showUrl(url) }
  }
}

/**
 * Checks that a URL is http or https and carries no credentials.
 * @throws MediaError which names the URL without its query and userinfo
 */
export function assertFetchable(url: URL): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new MediaError(
      `Cannot read ${showUrl(url)}: the protocol '${url.protocol}' is not supported. ${works}. ` +
        `If a file of that name is meant, put './' before it.`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new MediaError(
      `Cannot read ${showUrl(url)}: the URL carries a user name or password, which would be stored with the row. ` +
        `Send credentials as a header instead: fetch: { headers: { authorization: … } }.`,
    )
  }
}

/** A URL as it may appear in a message: without userinfo, query and fragment, which may hold secrets. */
export function showUrl(url: URL): string {
  if (url.protocol === 'data:') return `data:${/^[\w.+-]+\/[\w.+-]+(?=[;,])/.exec(url.pathname)?.[0] ?? ''}…`
  // What follows an opaque scheme (javascript:, blob:, mailto:) has no part that is known to be harmless.
  if (!url.pathname.startsWith('/')) return url.host === '' ? `${url.protocol}…` : `${url.protocol}//${url.host}`
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`
}

/** The file name at the end of a URL's path, decoded; undefined when the path ends in a slash. */
export function nameOfUrl(url: URL): string | undefined {
  const segment = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  try {
    return plainName(decodeURIComponent(segment))
  } catch {
    return plainName(segment) // a stray % is legal in a URL
  }
}

/** `name` without directories and control characters and at most 255 characters long; undefined when nothing is left. */
export function plainName(name: string): string | undefined {
  const base = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1)
  const clean = base.replace(/\p{Cc}/gu, '').slice(-255)
  return clean === '' ? undefined : clean
}

/** A scheme has two letters at least, because `C:` is a drive. URL parsers skip leading blanks, so this does too. */
function isUrl(text: string): boolean {
  return /^\s*[a-z][a-z0-9+.-]+:/i.test(text)
}

function parseUrl(input: string | URL): URL {
  try {
    return new URL(input)
  } catch {
    // Neither the text nor the parser's error is shown: with no parse there is no telling which part is a secret.
    const scheme = /^\s*([a-z0-9+.-]+:)/i.exec(String(input))?.[1] ?? ''
    throw new MediaError(`Expected a URL, got a malformed one: ${scheme}…`)
  }
}

function fileLocation(url: URL): Location {
  try {
    const path = fileURLToPath(url)
    return { type: 'file', path, label: showPath(path) }
  } catch (cause) {
    throw new MediaError(`Cannot read ${showUrl(url)}: a file: URL must be file:/// and an absolute path`, { cause })
  }
}

/**
 * A path as given, but not all of a text that was taken for one, and without what looks like the secrets of a mistyped
 * URL. An ellipsis stands for what was left out.
 */
function showPath(path: string): string {
  const shown = path.length > 300 ? `${path.slice(0, 200)}…` : path
  return `'${shown.replace(/\/\/[^/\s]*@/, '//…@').replace(/\?[^/]*=.*$/s, '?…')}'`
}
