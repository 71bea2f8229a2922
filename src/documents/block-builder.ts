import type { Block, BlockKind, HeadingLevel } from './document.js'
import { HeadingStack } from './heading-stack.js'
import type { BuiltText } from './text-builder.js'

/** Collects a document's blocks in reading order and gives each the headings in force. */
export class BlockBuilder {
  readonly blocks: Block[] = []
  readonly #headings = new HeadingStack()

  /** Adds a block; null, a text that turned out empty, adds nothing. */
  add(kind: BlockKind, built: BuiltText | null, at: { level?: HeadingLevel | null; page?: number } = {}): void {
    if (built === null) return
    const level = kind === 'heading' ? (at.level ?? 1) : null
    if (level !== null) this.#headings.enter(level, built.text.replace(/\s+/g, ' '))
    this.blocks.push({
      kind,
      text: built.text,
      level,
      heading: this.#headings.path,
      page: at.page ?? null,
      sourceline: built.sourceline,
      ...(built.lines.length > 0 && { lines: built.lines }),
    })
  }
}
