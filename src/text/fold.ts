/**
 * Letters as a search compares them: without case, without compatibility forms (`ﬁ`, `Ａ`), and without the marks that do
 * not make another letter in the language: `ö` is `o` in English and a letter of its own in Swedish.
 */
export class LetterFolding {
  readonly #language: string
  readonly #collator: Intl.Collator
  readonly #known = new Map<string, string>()

  /** @param language a BCP-47 tag; `none` for no language */
  constructor(language: string) {
    // What a language without rules of its own resolves to would depend on the machine.
    const [known = 'en'] = language === 'none' ? [] : Intl.Collator.supportedLocalesOf([language])
    this.#language = known
    this.#collator = new Intl.Collator(known, { usage: 'sort', sensitivity: 'base' })
  }

  fold(text: string): string {
    if (isAscii(text)) return this.#lower(text)
    const plain = this.#lower(text.normalize('NFKC')).replaceAll('ß', 'ss').replaceAll('ς', 'σ')
    return plain.normalize('NFC').replace(markable, (letter) => this.#withoutMarks(letter))
  }

  #lower(text: string): string {
    return text.toLocaleLowerCase(this.#language).replace(invisible, '')
  }

  #withoutMarks(letter: string): string {
    const known = this.#known.get(letter)
    if (known !== undefined) return known
    if (!hasAccents.test(letter)) return letter
    const [base = '', ...marks] = letter.normalize('NFD')
    let kept = base
    for (const mark of marks) {
      if (!isMark.test(mark) || this.#collator.compare(kept + mark, kept) !== 0) kept += mark
    }
    const folded = kept.normalize('NFC')
    if (this.#known.size > 10_000) this.#known.clear()
    this.#known.set(letter, folded)
    return folded
  }
}

/** Whether a text has ASCII characters alone. */
export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

/** A letter beyond ASCII, or one with marks of its own. */
const markable = /[^\0-\x7f\p{M}]\p{M}*|[\0-\x7f]\p{M}+/gu
const isMark = /^\p{M}$/u
/** Scripts in which a letter with a mark may be the same letter; in others it is another sound. */
const hasAccents = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}]/u
/** Characters inside words that nobody sees: soft hyphens, joiners, variation selectors. */
const invisible = /\u00ad|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/g
