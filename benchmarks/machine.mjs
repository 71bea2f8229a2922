import { existsSync, readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'

const json = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** What the numbers were measured on, and whose they are. */
export function machine() {
  const [cpu] = cpus()
  const memory = (totalmem() / 2 ** 30).toFixed(0)
  const system = existsSync('/etc/os-release')
    ? /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
    : undefined
  const versions = Object.keys(json('package.json').dependencies)
    .map((name) => [name, json(`node_modules/${name}/package.json`).version])
    .concat(
      ['better-sqlite3', 'sqlite-vec'].map((name) => [name, json(`../node_modules/${name}/package.json`).version]),
    )
    .map(([name, version]) => `${name} ${version}`)
  return [
    `- ${cpus().length} cores of ${cpu.model.trim()}, ${memory} GiB of memory`,
    `- ${[system, `${type()} ${release().split('-')[0]}`, process.arch].filter(Boolean).join(', ')}, Node ${process.version}`,
    `- ${versions.sort().join(', ')}`,
  ].join('\n')
}
