import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Inside the package, so that `import 'pixeltable'` finds it by its own name. */
const folder = join(root, 'test/docs/.snippets')

interface Snippet {
  readonly name: string
  readonly code: string
}

const fence = /^```ts\n([\s\S]*?)^```/gm

function ofPage(path: string): Snippet[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(fence)].map(([, code], i) => ({ name: `${path} #${i + 1}`, code: code! }))
}

/** The examples of docstrings, other than those of internals, which users cannot import. */
function ofSource(path: string): Snippet[] {
  const comments = readFileSync(path, 'utf8').match(/\/\*\*[\s\S]*?\*\//g) ?? []
  return comments
    .map((comment) => comment.replaceAll(/^[ \t]*\* ?/gm, ''))
    .flatMap((comment) => [...comment.matchAll(fence)].map((match) => match[1]!))
    .filter((code) => code.includes(`from 'pixeltable'`))
    .map((code, i) => ({ name: `${relative(root, path)} #${i + 1}`, code }))
}

const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(root, 'src', name))
const snippets = [...pages.filter((name) => name.endsWith('.md')).flatMap(ofPage), ...sources.flatMap(ofSource)]
let problems: string[]
const fileOf = (i: number): string => join(folder, `snippet-${i}.ts`)

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // An import or export makes each file a module of its own, which top-level await needs.
  snippets.forEach(({ code }, i) => {
    writeFileSync(fileOf(i), `${code}\nexport {}\n`)
  })
  problems = compile()
}, 120_000)
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('there are snippets in the README and in docstrings', () => {
  expect(snippets.filter((snippet) => snippet.name.startsWith('README.md')).length).toBeGreaterThanOrEqual(5)
  expect(snippets.filter((snippet) => snippet.name.startsWith('src')).length).toBeGreaterThanOrEqual(8)
})

test('every snippet compiles', () => {
  expect(problems).toEqual([])
})

/** Compiles the snippets to JavaScript beside them, and tells what is wrong with them. */
function compile(): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram(
    snippets.map((_, i) => fileOf(i)),
    { ...options, noUnusedLocals: false, noEmit: false, declaration: false, sourceMap: false, rootDir: root },
  )
  program.emit()
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const index = snippets.findIndex((_, i) => fileOf(i) === diagnostic.file?.fileName)
    return `${snippets[index]?.name ?? diagnostic.file?.fileName}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`
  })
}

describe('every snippet runs', () => {
  snippets.forEach(({ name }, i) => {
    test.concurrent(name, { timeout: 60_000 }, async () => {
      const { stderr } = await promisify(execFile)(process.execPath, [join(folder, `snippet-${i}.js`)])
      expect(stderr).not.toMatch(/Error/)
    })
  })
})
