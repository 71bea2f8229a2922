import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** The sections of a Markdown file, by their headings. */
export function readSections(file) {
  if (!existsSync(file)) return new Map()
  const [, ...sections] = `\n${readFileSync(file, 'utf8')}`.split('\n## ')
  return new Map(
    sections.map((section) => {
      const end = section.indexOf('\n')
      return [section.slice(0, end), section.slice(end).trim()]
    }),
  )
}

/** @param order of the headings; those without a section are left out */
export function writeSections(file, head, order, sections) {
  const parts = order.filter((name) => sections.has(name)).map((name) => `## ${name}\n\n${sections.get(name)}\n`)
  writeFileSync(file, [`${head}\n`, ...parts].join('\n'))
}
