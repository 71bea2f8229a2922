import type { LineMark } from './document.js'

/** A text with the source lines of its parts. */
export interface BuiltText {
  readonly text: string
  readonly sourceline: number | null
  readonly lines: readonly LineMark[]
}

/** Collects a block's text piece by piece and remembers which line of the source each piece stood on. */
export class TextBuilder {
  #pieces: string[] = []
  #length = 0
  #marks: LineMark[] = []
  #afterSpace = true
  #space = false

  /** Adds text as it stands; `line` is the source line of its first character and grows at each line break. */
  add(text: string, line: number | null): void {
    let at = line
    for (const [piece] of text.matchAll(/[^\n]*\n|[^\n]+/g)) {
      if (/^\s/.test(piece)) this.#afterSpace = true
      this.#append(piece, at)
      this.#afterSpace = /\s$/.test(piece)
      if (at !== null) at++
    }
  }

  /** Adds text as a browser shows it: any run of white space is one space, none at the start of a line. */
  addCollapsed(text: string, line: number | null): void {
    let at = line
    for (const [run] of text.matchAll(/[ \t\n\r\f]+|[^ \t\n\r\f]+/g)) {
      if (/^[ \t\n\r\f]/.test(run)) {
        this.#space = !this.#afterSpace
        if (at !== null) for (let i = run.indexOf('\n'); i !== -1; i = run.indexOf('\n', i + 1)) at++
      } else {
        this.#append(run, at)
        this.#afterSpace = false
      }
    }
  }

  /** Begins a new line of the text. */
  break(): void {
    this.#space = false
    this.#push('\n')
    this.#afterSpace = true
  }

  /** What was collected, without white space at its ends, and empties the builder; null if nothing is left. */
  take(): BuiltText | null {
    const whole = this.#pieces.join('')
    const text = whole.trim()
    const lead = whole.length - whole.trimStart().length
    const marks = this.#marks.map(({ offset, line }) => ({ offset: Math.max(0, offset - lead), line }))
    this.#pieces = []
    this.#length = 0
    this.#marks = []
    this.#afterSpace = true
    this.#space = false
    if (text === '') return null
    return {
      text,
      sourceline: marks.findLast(({ offset }) => offset === 0)?.line ?? null,
      lines: marks.filter(({ offset }) => offset > 0 && offset < text.length),
    }
  }

  #append(text: string, line: number | null): void {
    if (this.#space && !this.#afterSpace) this.#push(' ')
    this.#space = false
    if (line !== null && this.#marks.at(-1)?.line !== line) this.#marks.push({ offset: this.#length, line })
    this.#push(text)
  }

  #push(text: string): void {
    this.#pieces.push(text)
    this.#length += text.length
  }
}
