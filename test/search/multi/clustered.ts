/** Numbers that are the same in every run. */
export function random(seed: number) {
  let state = seed
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const normal = () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform())
  return { uniform, normal, below: (n: number) => Math.floor(uniform() * n) }
}

/**
 * Rows of vectors that are like those of tokens: a vocabulary whose words are not equally frequent, moved by what a row
 * is about and by noise. Rows of one subject share words.
 */
export function clustered(rows: number, tokens: number, dimensions: number, seed = 1) {
  const { uniform, normal, below } = random(seed)
  const unit = (v: Float32Array): Float32Array => {
    const norm = Math.hypot(...v)
    return v.map((x) => x / norm)
  }
  const mirrors = [1, 2, 3].map(() => unit(Float32Array.from({ length: dimensions }, normal)))
  /** Some directions are more frequent than others, but they are not those of the axes. */
  const direction = () => {
    const v = unit(Float32Array.from({ length: dimensions }, (_, i) => normal() / Math.sqrt(i + 1)))
    for (const mirror of mirrors) {
      const twice = 2 * v.reduce((sum, x, i) => sum + x * mirror[i]!, 0)
      for (let i = 0; i < dimensions; i++) v[i]! -= twice * mirror[i]!
    }
    return v
  }
  const words = Array.from({ length: 2000 }, direction)
  const subjects = Array.from({ length: Math.ceil(rows / 20) }, () => ({
    words: Array.from({ length: 40 }, () => below(words.length)),
    about: direction(),
  }))
  const row = (count: number, { words: own, about }: (typeof subjects)[number], noise: number) => {
    const values = new Float32Array(count * dimensions)
    for (let n = 0; n < count; n++) {
      const word = words[uniform() < 0.5 ? own[below(own.length)]! : Math.floor(words.length ** uniform())]!
      const moved = direction()
      values.set(unit(word.map((x, i) => x + 0.4 * about[i]! + noise * moved[i]!)), n * dimensions)
    }
    return values
  }
  return {
    rows: Array.from({ length: rows }, () => row(tokens, subjects[below(subjects.length)]!, 0.45)),
    query: (count: number) => row(count, subjects[below(subjects.length)]!, 0.5),
  }
}
