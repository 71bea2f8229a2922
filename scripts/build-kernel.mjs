import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = new URL('../src/search/matrix/kernel-binary.ts', import.meta.url)

/** Compiles the kernel of vector search; the text of the file that ships has its WebAssembly as base64. */
export async function compileKernel() {
  let binary
  const { error, stderr } = await asc.main(
    [
      ...['src/search/matrix/assembly/kernel.ts', '--outFile', 'kernel.wasm', '--baseDir', root],
      ...['--enable', 'simd', '--runtime', 'stub', '--noAssert', '-O3', '--converge'],
    ],
    {
      writeFile: (_name, contents) => {
        binary = contents
      },
    },
  )
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`)
  const lines = Buffer.from(binary)
    .toString('base64')
    .match(/.{1,110}/g)
  return [
    '// Compiled from assembly/kernel.ts by `npm run build:kernel`.',
    '',
    '/** The WebAssembly of the kernel, in base64. */',
    'export const kernelBinary = [',
    ...lines.map((line) => `  '${line}',`),
    "].join('')",
    '',
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await compileKernel())
