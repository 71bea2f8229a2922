import fc from 'fast-check'
import { udf } from '../../src/index.js'
import { and, isNull, like, or, order, type Row, strict, type Value } from './naive.js'

/** An expression twice: as the library's, and as a function of a row. */
export interface Both {
  /** For the report of a failing case. */
  readonly text: string
  readonly build: (c: any) => any
  readonly run: (row: Row) => Value
}

export type ColumnKind = 'int' | 'float' | 'bigint' | 'string' | 'bool' | 'timestamp' | 'date' | 'json'
export interface ColumnSpec {
  readonly name: string
  readonly kind: ColumnKind
  readonly nullable: boolean
}

const textPart = fc.constantFrom('', 'a', 'b', 'ab', 'Zz', 'é', '🎬', '%', '_', "'", '"', '\0', ' x ', '__proto__', 'ß')
export const valuesOf: Readonly<Record<ColumnKind, fc.Arbitrary<Value>>> = {
  int: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(1_000_000, -999_999_999)),
  float: fc.oneof(
    fc.constantFrom(0, 0.5, -1.25, 3, 1e-300, 1e15),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  ),
  bigint: fc.constantFrom(0n, 1n, -1n, 2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n),
  string: fc.oneof(
    textPart,
    fc.tuple(textPart, textPart).map(([a, b]) => a + b),
  ),
  bool: fc.boolean(),
  timestamp: fc.constantFrom(0, 1, 86_400_000, 1_700_000_000_123, -1).map((ms) => new Date(ms)),
  date: fc.constantFrom('1999-12-31', '2000-02-29', '2026-01-01', '0001-01-01'),
  json: fc.constantFrom(
    { n: 1 },
    { n: 2.5, s: 'a' },
    { n: 'a' },
    { s: '', list: [1, null, 'x'] },
    [],
    [3],
    'a',
    1,
    true,
    { n: null, b: true },
  ),
}

const leaf = (
  columns: readonly ColumnSpec[],
  kinds: readonly ColumnKind[],
  constant: fc.Arbitrary<Value>,
): fc.Arbitrary<Both> => {
  const own = columns.filter((column) => kinds.includes(column.kind))
  const literal = constant.map(
    (value): Both => ({ text: String(JSON.stringify(value)), build: () => value, run: () => value }),
  )
  if (own.length === 0) return literal
  const column = fc
    .constantFrom(...own)
    .map(({ name }): Both => ({ text: name, build: (c) => c[name], run: (row) => row[name] }))
  return fc.oneof({ arbitrary: column, weight: 4 }, { arbitrary: literal, weight: 1 })
}

/** Methods need an expression on the left. */
const isExpr = (x: unknown): boolean => typeof x === 'object' && x !== null && 'node' in x

const same = udf({ name: 'oracle_same' }, (x: unknown) => x)
const sameNumber = udf({ name: 'oracle_number', onNull: 'skip' }, (x: number) => x)

function method(
  name: string,
  args: readonly Both[],
  f: (...values: any[]) => Value,
  nullAware = false,
): Both | undefined {
  const run = nullAware ? f : strict(f)
  return {
    text: `${args[0]!.text}.${name}(${args.slice(1).map((arg) => arg.text)})`,
    build: (c) => {
      const [self, ...rest] = args.map((arg) => arg.build(c))
      if (!isExpr(self)) throw new Error('a constant has no methods')
      return self[name](...rest)
    },
    run: (row) => run(...args.map((arg) => arg.run(row) ?? null)),
  }
}

/** Expressions whose left operand is a column or a call, never a constant. */
export function expressions(columns: readonly ColumnSpec[]): {
  num: fc.Arbitrary<Both>
  str: fc.Arbitrary<Both>
  bool: fc.Arbitrary<Both>
  any: fc.Arbitrary<Both>
} {
  const one = (kinds: ColumnKind[]) => columns.filter((column) => kinds.includes(column.kind))
  const column = (kinds: ColumnKind[]): fc.Arbitrary<Both> =>
    fc
      .constantFrom(...one(kinds))
      .map(({ name }): Both => ({ text: name, build: (c) => c[name], run: (row) => row[name] ?? null }))
  const smallNumber = fc.constantFrom(0, 1, -1, 2, 0.5, 3)
  const numbers = leaf(columns, ['int', 'float'], smallNumber)
  const texts = leaf(columns, ['string'], textPart)
  const { num, str, bool } = fc.letrec<{ num: Both; str: Both; bool: Both }>((tie) => ({
    num: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'oracle' },
      column(['int', 'float']),
      fc.tuple(tie('num'), numbers).map(([a, b]) => method('add', [a, b], (x, y) => x + y)!),
      fc.tuple(tie('num'), numbers).map(([a, b]) => method('sub', [a, b], (x, y) => x - y)!),
      fc
        .tuple(tie('num'), smallNumber)
        .map(([a, b]) => method('mul', [a, { text: `${b}`, build: () => b, run: () => b }], (x, y) => x * y)!),
      fc.tuple(tie('num'), numbers).map(([a, b]) => method('div', [a, b], (x, y) => (y === 0 ? null : x / y))!),
      fc
        .tuple(column(['int']), fc.constantFrom(0, 2, 3, -3))
        .map(
          ([a, b]) =>
            method('mod', [a, { text: `${b}`, build: () => b, run: () => b }], (x, y) => (y === 0 ? null : x % y))!,
        ),
      tie('num').map((a) => method('neg', [a], (x) => 0 - x)!),
      tie('str').map((a) => method('length', [a], (x) => [...x].length)!),
      fc
        .tuple(tie('num'), smallNumber)
        .map(
          ([a, b]) =>
            method(
              'coalesce',
              [a, { text: `${b}`, build: () => b, run: () => b }],
              (x, y) => (isNull(x) ? y : x),
              true,
            )!,
        ),
      tie('num').map((a): Both => ({ text: `udf(${a.text})`, build: (c) => sameNumber(a.build(c)), run: a.run })),
    ),
    str: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'oracle' },
      column(['string']),
      fc.tuple(tie('str'), texts).map(([a, b]) => method('concat', [a, b], (x, y) => x + y)!),
      tie('str').map((a) => method('upper', [a], (x) => x.toUpperCase())!),
      tie('str').map((a) => method('lower', [a], (x) => x.toLowerCase())!),
      tie('str').map((a) => method('trim', [a], (x) => x.trim())!),
      tie('str').map(
        (a): Both => ({
          text: `udf(${a.text})`,
          build: (c) => (same as any)(a.build(c)).coalesce('gone'),
          run: (row) => a.run(row) ?? 'gone',
        }),
      ),
    ),
    bool: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'oracle' },
      ...(['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const).map((name) => {
        const test = {
          eq: (d: number) => d === 0,
          ne: (d: number) => d !== 0,
          gt: (d: number) => d > 0,
          gte: (d: number) => d >= 0,
          lt: (d: number) => d < 0,
          lte: (d: number) => d <= 0,
        }[name]
        return fc
          .oneof(fc.tuple(tie('num'), numbers), fc.tuple(tie('str'), texts), sameKind(columns))
          .map(([a, b]) => method(name, [a, b], (x, y) => test(order(x, y)))!)
      }),
      fc.tuple(tie('num'), smallNumber, smallNumber).map(
        ([a, x, y]): Both => ({
          text: `${a.text}.between(${x}, ${y})`,
          build: (c) => a.build(c).between(x, y),
          run: (row) => strict((v) => v >= x && v <= y)(a.run(row)),
        }),
      ),
      fc.tuple(tie('num'), fc.array(smallNumber, { maxLength: 3 })).map(
        ([a, list]): Both => ({
          text: `${a.text}.in(${list})`,
          build: (c) => a.build(c).in(list),
          run: (row) => strict((v) => list.includes(v))(a.run(row)),
        }),
      ),
      fc.tuple(tie('str'), fc.constantFrom('%', 'a%', '_', '%b', '%é%', '', '\\%', '%\0%')).map(
        ([a, pattern]): Both => ({
          text: `${a.text}.like(${pattern})`,
          build: (c) => a.build(c).like(pattern),
          run: (row) => strict((v) => like(v, pattern))(a.run(row)),
        }),
      ),
      ...(['contains', 'startsWith', 'endsWith'] as const).map((name) =>
        fc
          .tuple(tie('str'), texts)
          .map(([a, b]) => method(name, [a, b], (x, y) => x[name === 'contains' ? 'includes' : name](y))!),
      ),
      fc
        .oneof(tie('num'), tie('str'), column(['json', 'bool', 'bigint', 'timestamp', 'date', 'int']))
        .chain((a) =>
          fc.constantFrom(
            method('isNull', [a], (x) => isNull(x), true)!,
            method('isNotNull', [a], (x) => !isNull(x), true)!,
          ),
        ),
      ...(one(['json']).length > 0
        ? [
            fc
              .tuple(column(['json']), fc.constantFrom('n', 's', 'b', 'nope'), fc.constantFrom(1, 2.5, 'a', '', true))
              .map(
                ([a, key, value]): Both => ({
                  text: `${a.text}.get(${key}).eq(${value})`,
                  build: (c) => a.build(c).get(key).eq(value),
                  run: (row) => {
                    const json = a.run(row)
                    const found =
                      typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as any)[key] : null
                    return isNull(found) || typeof found !== typeof value ? null : found === value
                  },
                }),
              ),
          ]
        : []),
      fc.tuple(tie('bool'), tie('bool')).map(([a, b]) => method('and', [a, b], and, true)!),
      fc.tuple(tie('bool'), tie('bool')).map(([a, b]) => method('or', [a, b], or, true)!),
      tie('bool').map((a) => method('not', [a], (x) => !x)!),
      ...(one(['bool']).length > 0 ? [column(['bool'])] : []),
    ),
  }))
  return { num, str, bool, any: fc.oneof(num, str, bool, column(columns.map((c) => c.kind))) }
}

/** Two operands of one of the kinds that only compare. */
function sameKind(columns: readonly ColumnSpec[]): fc.Arbitrary<[Both, Both]> {
  const ordered = columns.filter(({ kind }) => kind !== 'json' && kind !== 'bool')
  return fc.constantFrom(...ordered).chain(({ name, kind }) =>
    fc.tuple(
      fc.constant<Both>({ text: name, build: (c) => c[name], run: (row) => row[name] ?? null }),
      valuesOf[kind].map((value): Both => ({ text: String(value), build: () => value, run: () => value })),
    ),
  )
}
