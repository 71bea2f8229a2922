import type { DefaultTreeAdapterTypes } from 'parse5'
import { BlockBuilder } from './block-builder.js'
import { decodeText } from './decode-text.js'
import type { BlockKind, HeadingLevel } from './document.js'
import type { DocumentFormat } from './format.js'
import { TextBuilder } from './text-builder.js'

type Node = DefaultTreeAdapterTypes.ChildNode
type Element = DefaultTreeAdapterTypes.Element
type Parent = DefaultTreeAdapterTypes.ParentNode

/** HTML: what a reader of the page sees, one block an element that begins a new line. */
export const html: DocumentFormat = {
  name: 'HTML',
  mimes: ['text/html', 'application/xhtml+xml'],
  async parse(bytes, { charset, skipTags, signal }) {
    const { parse } = await import('parse5')
    const text = await decodeText(bytes, { mime: 'text/html', transportEncoding: charset })
    signal?.throwIfAborted()
    const root = parse(text, { sourceCodeLocationInfo: true, scriptingEnabled: false })
    const document = new BlockBuilder()
    addHtmlBlocks(root, document, { skipTags })
    return { title: titleOf(root), blocks: document.blocks }
  },
}

/** Never text that a reader sees. `head` goes as a whole, `title` wherever a broken page puts it. */
const unseen = ['head', 'title', 'script', 'style', 'template', 'noscript', 'iframe', 'noframes', 'noembed', 'object']

const blockTags = new Set(
  `address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer
  form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu nav ol optgroup option p plaintext
  pre search section summary table tbody td textarea tfoot th thead tr ul xmp`.split(/\s+/),
)
const preformatted = new Set(['pre', 'listing', 'xmp', 'plaintext', 'textarea'])
/** A table with one of these inside lays out a page; its cells are read one after the other. */
const layoutSigns = new Set(['table', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'dl', 'pre', 'hr', 'form'])

/** How the text inside an element is to be taken. */
interface Context {
  readonly kind: BlockKind
  readonly level: HeadingLevel | null
  readonly pre: boolean
  /** Inside a table of data, whose rows are lines. */
  readonly data: boolean
}

/** Where the fragment begins in its source, and what to leave out. */
export interface HtmlOptions {
  readonly skipTags?: readonly string[] | undefined
  /** The source line of the fragment's first line. Default 1. */
  readonly firstLine?: number
}

/** Adds the blocks of a parsed page or fragment. Walks with a stack of its own: pages nest deeper than calls can. */
export function addHtmlBlocks(root: Parent, document: BlockBuilder, options: HtmlOptions = {}): void {
  const skip = new Set([...unseen, ...(options.skipTags ?? ['nav']).map((tag) => tag.toLowerCase())])
  const shift = (options.firstLine ?? 1) - 1
  const text = new TextBuilder()
  const flush = ({ kind, level }: Context) => document.add(kind, text.take(), { level })
  const stack: (() => void)[] = []
  const later = (nodes: readonly Node[], context: Context) => {
    for (const node of nodes.toReversed()) stack.push(() => visit(node, context))
  }

  const visit = (node: Node, context: Context): void => {
    if ('value' in node) {
      const line = lineOf(node)
      const value = node.value.replaceAll('\u00ad', '').replaceAll('\u00a0', ' ')
      if (context.pre) text.add(value, line === null ? null : line + shift)
      else text.addCollapsed(value, line === null ? null : line + shift)
    } else if ('tagName' in node && !skip.has(node.tagName) && !isHidden(node)) {
      visitElement(node, context)
    }
  }

  const visitElement = (element: Element, context: Context): void => {
    if (context.data) visitInTable(element, context)
    else if (element.tagName === 'br') text.break()
    else if (!blockTags.has(element.tagName)) later(childrenOf(element), context)
    else {
      flush(context)
      const inner = contextOf(element, context)
      stack.push(() => flush(inner))
      later(childrenOf(element), inner)
    }
  }

  const visitInTable = (element: Element, context: Context): void => {
    const { tagName: tag } = element
    if (tag === 'tr' && !hasText(element)) return
    if (tag === 'tr') text.break()
    else if ((tag === 'td' || tag === 'th') && hasCellBefore(element)) text.add(' | ', null)
    else if (tag === 'br' || blockTags.has(tag)) text.addCollapsed(' ', null)
    later(childrenOf(element), context)
  }

  const outer: Context = { kind: 'paragraph', level: null, pre: false, data: false }
  later(root.childNodes, outer)
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) step()
  flush(outer)
}

function contextOf(element: Element, context: Context): Context {
  const { tagName: tag } = element
  const heading = /^h([1-6])$/.exec(tag)
  if (heading !== null) return { ...context, kind: 'heading', level: Number(heading[1]) as HeadingLevel }
  if (preformatted.has(tag)) return { ...context, kind: 'code', pre: true }
  if (tag === 'table' && !isLayout(element)) return { ...context, kind: 'table', level: null, data: true }
  if (tag === 'li' || tag === 'dd' || tag === 'dt') return { ...context, kind: 'listItem', level: null }
  return context
}

function childrenOf(element: Element): Node[] {
  return 'content' in element ? [] : element.childNodes
}

function isHidden(element: Element): boolean {
  return element.attrs.some(({ name }) => name === 'hidden')
}

function hasCellBefore(cell: Element): boolean {
  const siblings = cell.parentNode?.childNodes ?? []
  return siblings.find((node) => 'tagName' in node && (node.tagName === 'td' || node.tagName === 'th')) !== cell
}

function isLayout(table: Element): boolean {
  const open: Node[] = [...table.childNodes]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!('tagName' in node)) continue
    if (layoutSigns.has(node.tagName)) return true
    for (const child of node.childNodes) open.push(child)
  }
  return false
}

function hasText(element: Element): boolean {
  const open: Node[] = [...element.childNodes]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ('value' in node && node.value.trim() !== '') return true
    if ('tagName' in node) for (const child of node.childNodes) open.push(child)
  }
  return false
}

function lineOf(node: Node): number | null {
  return node.sourceCodeLocation?.startLine ?? null
}

function titleOf(root: Parent): string | null {
  const open: Node[] = root.childNodes.toReversed()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!('tagName' in node) || node.tagName === 'svg') continue
    if (node.tagName === 'title') {
      const text = node.childNodes.map((child) => ('value' in child ? child.value : '')).join('')
      return text.replace(/\s+/g, ' ').trim() || null
    }
    for (const child of node.childNodes.toReversed()) open.push(child)
  }
  return null
}
