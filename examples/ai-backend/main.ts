/** `npx tsx examples/ai-backend/main.ts <folder of documents> [port]`: a backend over the documents of a folder. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Pixeltable } from 'pixeltable'
import { openBackend } from './pipeline.js'
import { createBackendServer } from './server.js'

const [folder, port = '8080'] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: main.ts <folder of documents> [port]')
  process.exit(2)
}
const backend = await openBackend(await Pixeltable.open('ai-backend.db'))
const known = new Set((await backend.docs.select('title').collect()).map((row) => row.title))
const names = readdirSync(folder).filter((name) => /\.(pdf|md|html|txt)$/.test(name) && !known.has(name))
for (const name of names) {
  await backend.docs.insert({ document: join(folder, name), title: name, metadata: {} })
  console.log(`stored ${name}`)
}
createBackendServer(backend).listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${port}`)
})
