import SQLite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { analyserOf, type TextAnalysis, termsOf } from '../../src/text/index.js'
import { porterStem } from '../../src/text/porter.js'

const terms = (text: string, language = 'none', tokenizer: TextAnalysis['tokenizer'] = 'words') =>
  termsOf(text, analyserOf({ language, tokenizer }))

describe('words', () => {
  test.each([
    ["Don't panic: C++, node.js & multi-agent_systems 3.5", 'don t panic c node js multi agent systems 3 5'],
    ['STRASSE Straße ΟΔΟΣ Ελλάς', 'strasse strasse οδοσ ελλασ'],
    ['café cafe\u0301 ＣＡＦＥ ﬁn ½', 'cafe cafe cafe fin 1 2'],
    ['co\u00adoperate zero\u200bwidth', 'cooperate zero width'],
    ['Ёлка и Йод', 'елка и йод'],
    ['كِتَاب', 'كتاب'],
    ['हिन्दी', 'हिन्दी'],
    ['🎬 film 👩‍👩‍👧', '🎬 film 👩 👩 👧'],
    ['a\0b \ud800 "x" *', 'a b x'],
    ['', ''],
  ])('%j', (text, wanted) => {
    expect(terms(text)).toBe(wanted)
  })

  test('marks stay where the language makes another letter of them', () => {
    expect(terms('för ångström café', 'sv')).toBe('för ångström cafe')
    expect(terms('für Öl', 'de')).toBe('fur ol')
    expect(terms('año', 'es')).toBe('año')
    expect(terms('año', 'en')).toBe('ano')
    expect(terms('IĞDIR', 'tr')).toBe('ığdır')
    // Tones go, vowels stay.
    expect(terms('tiếng Việt', 'vi')).toBe('tiêng viêt')
  })

  test('English is stemmed, and an unknown language is like none', () => {
    expect(terms('The connections of running generalizations', 'en-GB')).toBe('the connect of run gener')
    expect(terms('Connections é', 'xx')).toBe('connections e')
  })

  test('Chinese, Japanese and Korean are pairs, Thai is segmented', () => {
    expect(terms('東京都の天気 Tokyo')).toBe('東京 京都 都の の天 天気 気 tokyo')
    expect(terms('iPhone用ケース')).toBe('iphone 用ケ ケー ース ス')
    expect(terms('ｶﾞｲﾄﾞ ガイド')).toBe('ガイ イド ド ガイ イド ド')
    expect(terms('雨。')).toBe('雨')
    expect(terms('ภาษาไทยง่าย')).toBe('ภาษา ไทย ง่าย')
  })

  test('long texts without spaces take linear time', () => {
    expect(terms('ภาษาไทยง่าย'.repeat(20_000)).length).toBeGreaterThan(100_000)
    expect(terms('東'.repeat(100_000)).length).toBe(300_000 - 2)
    expect(terms('a'.repeat(1_000_000))).toHaveLength(100)
  })

  test('terms tell where they are in the text', () => {
    const text = "Émile's Straße: 東京 ½"
    const found: string[] = []
    analyserOf({ language: 'none', tokenizer: 'words' }).each(text, (term, start, end) => {
      found.push(`${term}=${text.slice(start, end)}`)
    })
    expect(found).toEqual(['emile=Émile', 's=s', 'strasse=Straße', '東京=東京', '京=京', '1=½', '2=½'])
  })
})

describe('trigrams', () => {
  test('are the three characters from each one on', () => {
    expect(terms('Ab, C', 'none', 'trigram')).toBe('ab， b，\u3000 ，\u3000c \u3000c c')
    expect(terms(' x\n\t y ', 'none', 'trigram')).toBe('\u3000x\u3000 x\u3000y \u3000y\u3000 y\u3000 \u3000')
    expect(terms('e\u0301tÉ', 'none', 'trigram')).toBe('ete te e')
  })
})

describe('stems', () => {
  test('are those of SQLite', () => {
    const words = `caresses ponies ties cats feed agreed plastered motoring sing conflated troubled sized hopping tanned
      falling hissing fizzed failing filing happy sky relational conditional rational valency hesitancy digitizer
      conformably radically differently vilely analogously vietnamization predication operator feudalism decisiveness
      hopefulness callousness formality sensitivity sensibility triplicate formative formalize electricity electrical
      hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement
      adjustment dependent adoption homologous communism activate angularity effective bowdlerize probate rate cease
      controlling rolling organelle generalizations oscillators yes by say toy syzygy dying apology archaeologist`
      .trim()
      .split(/\s+/)
    const db = new SQLite(':memory:')
    db.exec(
      `CREATE VIRTUAL TABLE w USING fts5(word, tokenize='porter ascii'); CREATE VIRTUAL TABLE v USING fts5vocab(w, instance)`,
    )
    const insert = db.prepare('INSERT INTO w (rowid, word) VALUES (?, ?)')
    for (const [i, word] of words.entries()) insert.run(i, word)
    const stems = db.prepare('SELECT term FROM v ORDER BY doc').pluck().all()
    expect(words.map(porterStem)).toEqual(stems)
    db.close()
  })

  test('of words that a beginning may become', () => {
    const english = analyserOf({ language: 'en', tokenizer: 'words' })
    const of = (beginning: string) => english.completions(beginning)
    expect(of('runni')).toContain('run')
    expect(of('computi')).toContain('comput')
    expect(of('relation')).toContain('relat')
    expect(of('東')).toEqual([])
  })
})
