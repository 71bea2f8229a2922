import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/**
 * The URL to start a thread with, so that its modules may be in TypeScript where the program's may. tsx does not follow
 * into threads by itself (https://github.com/privatenumber/tsx/issues/354): it is registered there first.
 */
export function loadable(entry: URL): URL {
  const tsx = tsxInUse()
  if (!tsx) return entry
  const api = new URL('dist/esm/api/index.mjs', tsx).href
  const code = `import { register } from ${JSON.stringify(api)}; register(); await import(${JSON.stringify(entry.href)})`
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

/** The folder of tsx, where the program was started with it: by its command, by `--import tsx`, or by NODE_OPTIONS. */
function tsxInUse(): URL | undefined {
  const options = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)]
  const loader = options.map((option) => option.replace(/^--import=/, '')).find((option) => loaders.test(option))
  if (loader === undefined) return undefined
  if (loader.startsWith('file:')) return new URL('../', loader)
  const { resolve } = createRequire(pathToFileURL(`${process.cwd()}/`))
  return pathToFileURL(resolve('tsx/package.json'))
}

const loaders = /^tsx(\/esm)?$|^file:.*\/tsx\/dist\/loader\.mjs$/
