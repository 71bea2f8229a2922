import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pixeltable, type Table, t, udf } from '../../src/index.js'

/** What a function of the test does with its arguments. */
type Outcome = { readonly value: number } | { readonly error: string }

/** A column: its inputs among the columns before it, and how its function behaves. */
interface Step {
  readonly inputs: readonly number[]
  readonly kind: 'sync' | 'async' | 'batch'
  /** Which arguments fail: those whose hash has this remainder; more of them, the smaller it is. */
  readonly failing: number
  /** Which first attempts fail for a passing reason. */
  readonly passing: number
  readonly batchSize: number
}

const hash = (seed: number, args: readonly number[]): number =>
  args.reduce((h, arg) => (Math.imul(h ^ arg, 0x9e3779b1) >>> 7) ^ h, seed * 7919) >>> 0

const outcome = (seed: number, { failing }: Step, args: readonly number[]): Outcome => {
  const h = hash(seed, args)
  return h % failing === 0 ? { error: `no ${args.join()}` } : { value: h % 1000 }
}

const isPassing = (seed: number, { passing }: Step, args: readonly number[]) => hash(seed + 1, args) % passing === 0

let names = 0

/** The function of a column, counting its finished calls by arguments. */
function functionOf(seed: number, step: Step, calls: Map<string, number>) {
  const tried = new Set<string>()
  const call = (args: readonly number[]): number | Error => {
    const key = `${seed} ${args.join()}`
    if (step.kind !== 'sync' && isPassing(seed, step, args) && !tried.has(key)) {
      tried.add(key)
      return Object.assign(new Error('later'), { status: 429, headers: { 'retry-after-ms': '1' } })
    }
    calls.set(key, (calls.get(key) ?? 0) + 1)
    const result = outcome(seed, step, args)
    return 'value' in result ? result.value : new Error(result.error)
  }
  const one = (args: readonly number[]): number => {
    const result = call(args)
    if (result instanceof Error) throw result
    return result
  }
  const name = `dag_${++names}`
  if (step.kind === 'sync') return udf({ name }, (...args: number[]) => one(args))
  if (step.kind === 'async') {
    return udf({ name, concurrency: 3 }, async (...args: number[]) => {
      await new Promise((resolve) => setTimeout(resolve, hash(seed, args) % 3))
      return one(args)
    })
  }
  return udf(
    { name, batchSize: step.batchSize, concurrency: 2, returns: t.float() },
    async (...columns: number[][]) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return columns[0]!.map((_, i) => call(columns.map((column) => column[i]!)) as number)
    },
  )
}

/** What the cells of a row must be, computed one after the other. */
function reference(steps: readonly Step[], a: number, b: number): Outcome[] {
  const cells: Outcome[] = [{ value: a }, { value: b }]
  steps.forEach((step, i) => {
    const inputs = step.inputs.map((input) => cells[input]!)
    const failed = inputs.find((cell) => 'error' in cell)
    cells.push(
      failed ??
        outcome(
          i,
          step,
          inputs.map((cell) => (cell as { value: number }).value),
        ),
    )
  })
  return cells
}

const steps = fc
  .array(
    fc.record({
      picks: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      kind: fc.constantFrom('sync' as const, 'async' as const, 'batch' as const),
      failing: fc.constantFrom(3, 7, 1_000_003),
      passing: fc.constantFrom(4, 1_000_003),
      batchSize: fc.integer({ min: 1, max: 5 }),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((all) => all.map(({ picks, ...step }, i) => ({ ...step, inputs: picks.map((pick) => pick % (i + 2)) })))

const value = fc.integer({ min: 0, max: 50 })

test('any DAG, with failures of all kinds, has the cells of a sequential run, each computed once', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 25 }),
      fc.array(fc.tuple(fc.nat(24), value), { maxLength: 5 }),
      fc.nat(7),
      async (steps, rows, updates, inView) => {
        const pxt = await Pixeltable.open(':memory:')
        const calls = new Map<string, number>()
        const base = await pxt.createTable('base', { id: t.int(), a: t.int(), b: t.int() })
        let table: Table<any, any> = base
        const columns = ['a', 'b']
        for (const [i, step] of steps.entries()) {
          // From some column on they belong to a view.
          if (i === inView) table = (await pxt.createView('view', table)) as never
          const fn = functionOf(i, step, calls) as (...args: unknown[]) => any
          const inputs = step.inputs.map((input) => columns[input]!)
          columns.push(`c${i}`)
          table = await table.addComputedColumn(`c${i}`, (c: any) => fn(...inputs.map((name) => c[name])))
        }
        const state = rows.map(([a, b]) => [a, b] as [number, number])
        const check = async () => {
          const query = table.select((c: any) =>
            Object.fromEntries(
              columns.flatMap((name) => [
                [name, c[name]],
                [`${name}_error`, c[name].errorMessage()],
              ]),
            ),
          )
          const got = await query.collect()
          state.forEach(([a, b], i) => {
            reference(steps, a, b).forEach((cell, k) => {
              const value = got[i]![columns[k]!]
              const message = got[i]![`${columns[k]}_error`] as string | null
              if ('value' in cell) expect([value, message]).toEqual([cell.value, null])
              else expect([value, message?.endsWith(cell.error)]).toEqual([null, true])
            })
          })
        }
        await base.insert(
          state.map(([a, b], id) => ({ id, a, b })),
          { onError: 'ignore' },
        )
        await check()
        // One finished call for each row that has these arguments.
        for (const [i, step] of steps.entries()) {
          const expected = new Map<string, number>()
          for (const [a, b] of state) {
            const cells = step.inputs.map((input) => reference(steps, a, b)[input]!)
            if (cells.some((cell) => 'error' in cell)) continue
            const key = `${i} ${cells.map((cell) => (cell as { value: number }).value).join()}`
            expected.set(key, (expected.get(key) ?? 0) + 1)
          }
          const made = [...calls].filter(([key]) => key.startsWith(`${i} `))
          expect(new Map(made)).toEqual(expected)
        }
        for (const [row, a] of updates) {
          const id = row % state.length
          state[id]![0] = a
          await base.update({ a }).where({ id }).run({ onError: 'ignore' })
        }
        await check()
        await (table as Table<any, any>).recompute(`c${steps.length - 1}`, { errorsOnly: true })
        await check()
        pxt.close()
      },
    ),
    { numRuns: 120 },
  )
}, 120_000)
