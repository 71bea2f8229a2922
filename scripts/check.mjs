import { spawnSync } from 'node:child_process'

/** Everything that is checked besides the tests. Each step runs, whatever the others found. */
const steps = [
  ['lint and format', 'biome', ['check', '--error-on-warnings', '.']],
  ['types, and the type tests', 'tsc', ['-p', 'tsconfig.json']],
  ['cost of the types', 'tsx', ['scripts/check-type-budget.mjs']],
  ['exports', 'publint', ['--strict']],
  ['types of the package', 'attw', ['--pack', '.', '--profile', 'esm-only']],
  ['examples in the documentation', 'vitest', ['run', 'test/docs']],
]

const failed = []
for (const [what, command, args] of steps) {
  console.log(`\n— ${what}: ${command} ${args.join(' ')}`)
  const { status } = spawnSync('npx', ['--no-install', command, ...args], { stdio: 'inherit' })
  if (status !== 0) failed.push(what)
}
console.log(failed.length === 0 ? '\nall checks passed' : `\nfailed: ${failed.join('; ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
