/** Weights of legs that add up to 1. */
export type Weights = readonly number[]

/** Weights that the first, coarse search tries at most. */
const coarse = 100

/**
 * Weights all over the simplex, evenly spaced: for two legs in steps of a tenth, for more in the finest steps, up to a
 * tenth, that give no more than a hundred.
 *
 * @returns whole parts of `total`, so that they add up exactly and moves between legs are exact
 */
export function simplexGrid(legs: number): { readonly grid: readonly (readonly number[])[]; readonly total: number } {
  let steps = 10
  while (steps > 1 && compositions(steps, legs) > coarse) steps--
  return {
    grid: compose(steps, legs).map((parts) => parts.map((part) => part * refinement)),
    total: steps * refinement,
  }
}

/** How many of the smallest moves make one step of the grid. */
export const refinement = 4

/** Weights that take `amount` from one leg and give it to another, for every pair of legs. */
export function movesOf(parts: readonly number[], amount: number): number[][] {
  return parts.flatMap((part, from) =>
    part < amount
      ? []
      : parts.flatMap((_, to) => (from === to ? [] : [parts.with(from, part - amount).with(to, parts[to]! + amount)])),
  )
}

/** In how many ways whole numbers of that count add up to a sum. */
function compositions(sum: number, count: number): number {
  let ways = 1
  for (let i = 1; i < count; i++) ways = (ways * (sum + i)) / i
  return ways
}

function compose(sum: number, count: number): number[][] {
  if (count === 1) return [[sum]]
  return Array.from({ length: sum + 1 }, (_, first) =>
    compose(sum - first, count - 1).map((rest) => [first, ...rest]),
  ).flat()
}
