/** What pdf.js tells about one run of glyphs. */
export interface PdfTextItem {
  readonly str: string
  readonly dir: string
  readonly transform: readonly number[]
  readonly width: number
  readonly height: number
  readonly fontName: string
}

/** A run of text on a page whose text runs from left to right or from right to left; `y` grows upwards. */
export interface Item {
  readonly text: string
  readonly x: number
  /** The baseline. */
  readonly y: number
  readonly width: number
  /** Font size in the page's units. */
  readonly size: number
  readonly font: string
  readonly rtl: boolean
  /** White space stood before it in the page's own order. */
  readonly spaceBefore: boolean
  readonly spaceAfter: boolean
  /** Runs in another direction than most of the page's text, such as a note along the margin. */
  readonly turned: boolean
}

/**
 * Makes the runs of a page comparable: one list for each direction in which text is written, turned so that its lines are
 * horizontal, that with the most text first.
 */
export function readItems(items: readonly PdfTextItem[]): Item[][] {
  const byAngle = new Map<number, { items: Item[]; length: number }>()
  const seen = new Set<string>()
  let space = false
  for (const item of items) {
    const clean = cleaned(item.str)
    const text = joinSpacedLetters(clean.trim())
    if (text === '') {
      space ||= item.str !== ''
      continue
    }
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = item.transform
    const angle = (Math.round((Math.atan2(b, a) * 180) / Math.PI) + 360) % 360
    const cos = Math.cos((angle * Math.PI) / 180)
    const sin = Math.sin((angle * Math.PI) / 180)
    const size = Math.hypot(c, d) || Math.hypot(a, b) || item.height || 1
    const x = e * cos + f * sin
    const y = f * cos - e * sin
    const spaceBefore = space || /^\s/.test(clean)
    space = false
    // Some programs print a text twice with a tiny shift to make it bold.
    const place = `${angle} ${Math.round(x / size / 0.3)} ${Math.round(y / size / 0.3)} ${text}`
    if (seen.has(place)) continue
    seen.add(place)
    const group = byAngle.get(angle) ?? { items: [], length: 0 }
    byAngle.set(angle, group)
    group.length += text.length
    group.items.push({
      text,
      x,
      y,
      width: Math.max(item.width, 0),
      size,
      font: item.fontName,
      rtl: item.dir === 'rtl',
      spaceBefore,
      spaceAfter: /\s$/.test(clean),
      turned: false,
    })
  }
  const groups = [...byAngle.values()].sort((p, q) => q.length - p.length)
  return groups.map((group, i) => group.items.map((item) => ({ ...item, turned: i > 0 })))
}

/** Without control characters and with letters in place of their presentation forms, which no search would find. */
function cleaned(text: string): string {
  return text
    .replace(/\p{Cc}|[\ufeff\ufffe\uffff]/gu, (c) => (/\s/.test(c) && c !== '\ufeff' ? ' ' : ''))
    .replace(/[\ufb00-\ufb06\ufb1d-\ufdff\ufe70-\ufefc]/g, (c) => c.normalize('NFKC'))
    .replaceAll('\u00a0', ' ')
    .replaceAll('\uf0b7', '•')
}

/** `R E S E A R C H` is one word in wide type. */
function joinSpacedLetters(text: string): string {
  return /^\p{Lu}(?: \p{Lu}){3,}(?: ?[.,:])?$/u.test(text) ? text.replaceAll(' ', '') : text
}
