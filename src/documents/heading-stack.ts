import type { HeadingLevel, HeadingPath } from './document.js'

/** The headings that are open while a document is read from top to bottom. */
export class HeadingStack {
  readonly #open: (string | undefined)[] = []
  #path: HeadingPath | null = null

  /** The headings in force here; null before the first one. */
  get path(): HeadingPath | null {
    return this.#path
  }

  /** Opens a heading, which closes those of its own and of deeper levels. */
  enter(level: HeadingLevel, text: string): void {
    this.#open.length = level - 1
    this.#open[level - 1] = text
    const entries = this.#open.flatMap((heading, i) => (heading === undefined ? [] : [[`h${i + 1}`, heading]]))
    this.#path = Object.freeze(Object.fromEntries(entries))
  }
}
