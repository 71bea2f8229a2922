export type { MediaContent } from './content.js'
export type { FetchLimits } from './fetch.js'
export { type MediaSource, StoredMedia } from './media.js'
export { type ResolvedMedia, type ResolveOptions, resolveMedia } from './resolve.js'
