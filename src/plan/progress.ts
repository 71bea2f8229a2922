/** How far a statement has come. */
export interface Progress {
  /** Rows that are committed. */
  readonly rows: number
  /** Rows in all, where that is known. */
  readonly total?: number
  /** Results that functions and models have given so far, failures included. */
  readonly cells: number
  /** Cells that could not be computed. */
  readonly failed: number
  /** Milliseconds since the statement began. */
  readonly elapsed: number
  /** Cells a second so far; rows a second where no functions are called. */
  readonly rate: number
  /** Milliseconds that the rest will take, at this rate; where that can be told. */
  readonly remaining?: number
  /** Whether this is the last report. */
  readonly done: boolean
}

/** Hears how far a statement has come: after each commit, and at most ten times a second in between. */
export type OnProgress = (progress: Progress) => void

/** Milliseconds between two reports at least, besides those after commits. */
const interval = 100

/** Counts what a statement does, and reports it. */
export class ProgressMeter {
  readonly #report: OnProgress
  readonly #began = performance.now()
  #reported = 0
  #rows = 0
  #cells = 0
  #failed = 0
  #total: number | undefined
  #cellsInAll: number | undefined

  constructor(report: OnProgress) {
    this.#report = report
  }

  /**
   * More is to come than was told: another step of the statement, or the same once more.
   * @param cellsPerRow results of functions that a row takes, where that is known
   */
  expect(rows: number, cellsPerRow: number): void {
    this.#total = (this.#total ?? 0) + rows
    if (cellsPerRow > 0) this.#cellsInAll = (this.#cellsInAll ?? 0) + rows * cellsPerRow
  }

  calculated(cells: number): void {
    this.#cells += cells
    if (performance.now() - this.#reported >= interval) this.#emit(false)
  }

  failed(): void {
    this.#failed++
  }

  committed(rows: number): void {
    this.#rows += rows
    this.#emit(false)
  }

  end(): void {
    this.#emit(true)
  }

  #emit(done: boolean): void {
    const now = performance.now()
    this.#reported = now
    const elapsed = now - this.#began
    const made = this.#cells > 0 ? this.#cells : this.#rows
    const part =
      this.#total === undefined
        ? 0
        : Math.min(1, Math.max(this.#rows / this.#total, this.#cells / (this.#cellsInAll ?? Number.POSITIVE_INFINITY)))
    this.#report({
      rows: this.#rows,
      ...(this.#total === undefined ? {} : { total: this.#total }),
      cells: this.#cells,
      failed: this.#failed,
      elapsed,
      rate: elapsed > 0 ? (made * 1000) / elapsed : 0,
      ...(done ? { remaining: 0 } : part > 0 ? { remaining: elapsed * (1 / part - 1) } : {}),
      done,
    })
  }
}

/** Does work with a meter for its listener, or for that of the database; without one there is nothing to count for. */
export async function withProgress<T>(
  { onProgress: fallback }: { readonly onProgress: OnProgress | undefined },
  onProgress: OnProgress | undefined,
  work: (meter: ProgressMeter | undefined) => Promise<T>,
): Promise<T> {
  const report = onProgress ?? fallback
  if (!report) return work(undefined)
  const meter = new ProgressMeter(report)
  try {
    return await work(meter)
  } finally {
    meter.end()
  }
}
