/*
 * What the types cost: a table of 60 columns, 30 of them computed, and 60 queries must be checked in fewer than 25,000
 * type instantiations more than the bare import of the library.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const budget = 25_000

const head = `import { avg, count, Pixeltable, sum, t } from '../src/index.js'\nconst pxt = await Pixeltable.open(':memory:')\n`

function source() {
  const types = ['int()', 'string()', 'float().nullable()', 'bool()', 'timestamp()', 'json<{ a: string; n: number }>()']
  const columns = Array.from({ length: 30 }, (_, i) => `  c${i}: t.${types[i % types.length]},`)
  const lines = [head, `const t0 = await pxt.createTable('wide', {\n${columns.join('\n')}\n})`]
  for (let i = 0; i < 30; i++) {
    const from = i % 2 === 0 ? `c.c${(i * 6) % 30}.add(${i})` : `c.c${((i * 6) % 30) + 1}.upper()`
    lines.push(`const t${i + 1} = await t${i}.addComputedColumn('k${i}', (c) => ${from})`)
  }
  const number = (i) => `c${(i * 6) % 30}`
  const text = (i) => `c${((i * 6) % 30) + 1}`
  for (let i = 0; i < 60; i++) {
    const queries = [
      `t30.where((c) => c.${number(i)}.gt(${i}).and(c.${text(i)}.like('a%'))).select('${number(i)}', 'k${i % 30}').orderBy('k${i % 30}').limit(5).collect()`,
      `t30.select((c) => ({ a: c.${number(i)}.mul(2), b: c.${text(i)}.length(), k: c.k${i % 30}, j: c.c5.get('n') })).orderBy((c) => c.a.desc()).first()`,
      `t30.groupBy('${text(i)}').select((c) => ({ key: c.${text(i)}, n: count(), s: sum(c.${number(i)}), m: avg(c.c2) })).having((c) => c.n.gt(1)).collect()`,
      `t30.where({ ${text(i)}: 'x', c3: true }).select('c4', 'c5', '${number(i)}').distinct().collect()`,
      `t30.select('${number(i)}', '${text(i)}').join(t0.select('c0', 'c1'), (a, b) => a.${number(i)}.eq(b.c0), { kind: 'left', as: 'other' }).where((c) => c.other_c1.isNotNull()).collect()`,
    ]
    lines.push(`export const q${i} = await ${queries[i % queries.length]}`)
  }
  return lines.join('\n')
}

function instantiations(text) {
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    root,
  )
  const path = join(root, 'scripts', 'type-budget.generated.ts')
  const host = ts.createCompilerHost(config.options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === path || fileExists.call(host, name)
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, text, rest[0]) : getSourceFile.call(host, name, ...rest)
  const program = ts.createProgram([path], config.options, host)
  const file = program.getSourceFile(path)
  const errors = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
  for (const error of errors) console.error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  if (errors.length > 0) process.exit(1)
  return program.getInstantiationCount()
}

const bare = instantiations(`${head}export const rows = await pxt.listTables()\nexport { avg, count, sum, t }`)
const used = instantiations(source()) - bare
console.log(`types: ${used} instantiations for 60 columns and 60 queries (budget ${budget}; the import alone ${bare})`)
if (used >= budget) process.exit(1)
