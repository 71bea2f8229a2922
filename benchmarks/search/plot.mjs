/** Lines over two logarithmic axes, as SVG that needs nothing else and can be read on light and dark pages. */

const [width, height] = [880, 520]
const area = { left: 70, top: 46, right: 600, bottom: 460 }
/** Okabe and Ito's colours, which people tell apart who see few; each with another mark. */
const colours = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c8c', '#9467bd']
const marks = [
  (x, y) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (x, y) => `<rect x="${x - 3.5}" y="${y - 3.5}" width="7" height="7"/>`,
  (x, y) => `<path d="M${x} ${y - 5}l5 8.5h-10z"/>`,
  (x, y) => `<path d="M${x} ${y - 5}l5 5l-5 5l-5-5z"/>`,
]

const round = (x) => Math.round(x * 10) / 10
const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])

/** From powers of ten to a length on the page. */
function axis(values, from, to) {
  const least = Math.floor(Math.log10(Math.min(...values)))
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...values))))
  const at = (x) => round(from + ((Math.log10(x) - least) / (most - least)) * (to - from))
  return { at, ticks: Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i)) }
}

const nameOf = (x) => (x >= 1e6 ? `${x / 1e6}M` : x >= 1000 ? `${x / 1000}k` : String(round(x * 100) / 100))

/**
 * @param series names and points, each `[x, y]`, in the order of the legend
 * @returns SVG
 */
export function plot({ title, x: xLabel, y: yLabel, series }) {
  const points = series.flatMap((one) => one.points)
  if (points.length === 0) return undefined
  const x = axis(
    points.map(([value]) => value),
    area.left,
    area.right,
  )
  const y = axis(
    points.map(([, value]) => value),
    area.bottom,
    area.top,
  )
  const grid = [
    ...x.ticks.flatMap((tick) => [
      `<path class="grid" d="M${x.at(tick)} ${area.top}V${area.bottom}"/>`,
      `<text x="${x.at(tick)}" y="${area.bottom + 18}" text-anchor="middle">${nameOf(tick)}</text>`,
    ]),
    ...y.ticks.flatMap((tick) => [
      `<path class="grid" d="M${area.left} ${y.at(tick)}H${area.right}"/>`,
      `<text x="${area.left - 8}" y="${y.at(tick) + 4}" text-anchor="end">${nameOf(tick)}</text>`,
    ]),
  ]
  const lines = series.flatMap(({ name, points: own, isOurs }, i) => {
    const colour = colours[i % colours.length]
    const mark = marks[i % marks.length]
    const path = own.map(([a, b], j) => `${j === 0 ? 'M' : 'L'}${x.at(a)} ${y.at(b)}`).join('')
    const row = area.top + 10 + i * 24
    return [
      `<g fill="${colour}" stroke="${colour}">`,
      `<path d="${path}" fill="none" stroke-width="${isOurs ? 3 : 1.6}"/>`,
      ...own.map(([a, b]) => mark(x.at(a), y.at(b))),
      `<path d="M${area.right + 20} ${row}h24" stroke-width="${isOurs ? 3 : 1.6}"/>`,
      mark(area.right + 32, row),
      '</g>',
      `<text x="${area.right + 52}" y="${row + 4}"${isOurs ? ' font-weight="bold"' : ''}>${escaped(name)}</text>`,
    ]
  })
  const middle = (area.top + area.bottom) / 2
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">
<title>${escaped(title)}</title>
<style>
  svg { background: #fff }
  text { fill: #222 }
  .grid { stroke: #8884; stroke-width: 1 }
  @media (prefers-color-scheme: dark) { svg { background: #14171c } text { fill: #ddd } }
</style>
<text x="${area.left}" y="24" font-size="16" font-weight="bold">${escaped(title)}</text>
${grid.join('\n')}
${lines.join('\n')}
<text x="${(area.left + area.right) / 2}" y="${area.bottom + 42}" text-anchor="middle">${escaped(xLabel)}</text>
<text transform="translate(22 ${middle}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>
</svg>
`
}
