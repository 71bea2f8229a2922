import { Pixeltable, t } from 'pixeltable'
import sharp from 'sharp'
import { colourPatches } from './patches.js'

/** A page of three coloured bars, as PNG. */
const page = (...colours: readonly string[]): Promise<Uint8Array> => {
  const bars = colours.map((colour, i) => `<rect y="${i * 40}" width="120" height="40" fill="${colour}"/>`)
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120">${bars.join('')}</svg>`))
    .png()
    .toBuffer()
}

const pxt = await Pixeltable.open(':memory:')
const table = await pxt.createTable('pages', { title: t.string(), kind: t.string(), page: t.image() })
const pages = await table.addMultiVectorIndex('page', { embed: colourPatches })
await pages.insert([
  { title: 'France', kind: 'flag', page: await page('#2850dc', '#fafafa', '#dc1e1e') },
  { title: 'Ethiopia', kind: 'flag', page: await page('#1ea03c', '#f0dc28', '#dc1e1e') },
  { title: 'Estonia', kind: 'flag', page: await page('#2850dc', '#0a0a0a', '#fafafa') },
  { title: 'A meadow', kind: 'photo', page: await page('#2850dc', '#1ea03c', '#1ea03c') },
])

for (const query of ['blue, white and red', 'yellow with green']) {
  const found = await pages.maxSim('page', query).limit(2).select('title', 'score').collect()
  console.log(query)
  for (const { title, score } of found) console.log(`  ${score.toFixed(3)}  ${title}`)
}

// The nearest page to another one, among the flags alone.
const meadow = await pages.where({ title: 'A meadow' }).firstOrThrow()
const flags = pages.maxSim('page', { image: meadow.page }).where({ kind: 'flag' })
console.log('like the meadow')
console.log(`  ${(await flags.limit(1).firstOrThrow()).title}`)
pxt.close()
