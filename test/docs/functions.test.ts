import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { functionsPage } from '../../scripts/functions-page.js'
import { Expression } from '../../src/expr/expression.js'
import { operatorGroups } from '../../src/expr/operators/index.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const documented = operatorGroups.flatMap(({ operators }) => Object.entries(operators)).filter(([, { docs }]) => docs)
/** Those that are functions of their own. */
const functions = ['uuid4', 'uuid7', 'makeDate', 'makeTimestamp']
const methods = documented.map(([name]) => name.split('.').at(-1)!).filter((name) => !functions.includes(name))

test('docs/functions.md is what the operators say (else run: npx tsx scripts/generate-functions-doc.ts)', () => {
  expect(readFileSync(`${root}docs/functions.md`, 'utf8')).toBe(functionsPage())
})

test('every operator is a method of expressions at run time', () => {
  expect(methods.filter((name) => !(name in Expression.prototype))).toEqual([])
})

test('every operator is a method in TypeScript', { timeout: 60_000 }, () => {
  const uses = [...methods, 'all', 'asc', 'desc'].map((name) => `void e.${name}`).join('\n')
  const path = `${root}test/docs/.methods.ts`
  const source = `import type { AnyExpr, UnknownExpr } from '../../src/index.js'\ndeclare const e: AnyExpr & UnknownExpr\n${uses}\n`
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config,
    ts.sys,
    root,
  )
  const host = ts.createCompilerHost(options)
  const [readFile, fileExists] = [host.readFile, host.fileExists]
  host.readFile = (name) => (name === path ? source : readFile(name))
  host.fileExists = (name) => name === path || fileExists(name)
  const getSourceFile = host.getSourceFile
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023) : getSourceFile(name, ...rest)
  const program = ts.createProgram([path], options, host)
  const problems = program.getSemanticDiagnostics(program.getSourceFile(path))
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})

/** The functions of Pixeltable's modules of expressions. */
const modules: Readonly<Record<string, string>> = {
  array: 'to_list',
  date: 'year month day make_date weekday isoweekday isocalendar isoformat toordinal strftime add_days replace',
  globals: 'cast map filter sort',
  json: 'dumps len is_empty contains get sum min max mean count keys values items flatten concat merge list_iterator',
  math: 'abs ceil floor round pow sqrt exp log log10 bitwise_and bitwise_or bitwise_xor to_int to_float',
  string:
    'capitalize casefold center contains contains_re count endswith fill find findall format fullmatch index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isupper istitle isspace join len ljust lower lstrip match normalize pad partition removeprefix removesuffix repeat replace replace_re reverse rfind rindex rjust rpartition rsplit rstrip slice slice_replace split splitlines startswith strip swapcase title upper wrap zfill string_splitter',
  timestamp:
    'year month day hour minute second microsecond date astimezone weekday isoweekday isocalendar isoformat strftime make_timestamp replace strip_timezone toordinal posix_timestamp',
  uuid: 'uuid4 uuid7 to_string hex',
}

test('every function of Pixeltable’s modules has a counterpart, or is an iterator', () => {
  const theirs = Object.entries(modules).flatMap(([module, names]) =>
    names.split(' ').map((name) => `${module}.${name}`),
  )
  const iterators = ['string.string_splitter', 'json.list_iterator']
  const ours = new Set(documented.flatMap(([, { docs }]) => docs!.pixeltable ?? []))
  expect(theirs.filter((name) => !ours.has(name) && !iterators.includes(name))).toEqual([])
  expect([...ours].filter((name) => !theirs.includes(name))).toEqual([])
})
