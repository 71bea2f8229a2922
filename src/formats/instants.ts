/** An instant from a count of units since 1970; what a Date has no room for below a millisecond is cut off. */
export function instantOf(count: bigint, unitsPerMillisecond: bigint): Date {
  // Bigint division rounds to zero, which is later for times before 1970.
  const floor = count / unitsPerMillisecond - (count % unitsPerMillisecond < 0n ? 1n : 0n)
  return new Date(Number(floor))
}

const dayLength = 86_400_000

/** The day, `YYYY-MM-DD`, from a count of days since 1970. */
export function dayOf(days: number): string {
  return new Date(days * dayLength).toISOString().slice(0, 10)
}

/** The number of days since 1970. */
export function daysOf(day: string): number {
  return Math.round(Date.parse(`${day}T00:00:00Z`) / dayLength)
}
