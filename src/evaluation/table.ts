/** Cells as lines of text: the first column to the left, the others, which hold numbers, to the right. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n')
}

/** A score with three digits. */
export const printScore = (score: number): string => score.toFixed(3)

/** A difference of scores, with its sign. */
export const printDifference = (difference: number): string => (difference < 0 ? '' : '+') + printScore(difference)
