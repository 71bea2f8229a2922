import type { ColumnType } from '../../types/column-type.js'
import { floatType, intType } from '../../types/scalars.js'
import { number, numeric, type Operator, type Operators } from './operator.js'

type Numeric = number | bigint

const float = () => floatType

/** Whole operands give bigint where one is, else int. */
const whole = (types: readonly ColumnType[]): ColumnType => types.find((type) => type.wide) ?? intType

/**
 * Applies the one function to numbers, the other where a bigint meets a bigint or a whole number. With a fraction a
 * bigint has no result that is a bigint, hence none.
 */
function arithmetic(
  a: Numeric,
  b: Numeric,
  ofNumbers: (x: number, y: number) => number | null,
  ofBigints: (x: bigint, y: bigint) => bigint | null,
): Numeric | null {
  if (typeof a === 'bigint' && typeof b === 'bigint') return ofBigints(a, b)
  if (typeof a === 'bigint' && Number.isSafeInteger(b)) return ofBigints(a, BigInt(b))
  if (typeof b === 'bigint' && Number.isSafeInteger(a)) return ofBigints(BigInt(a), b)
  if (typeof a === 'bigint' || typeof b === 'bigint') return null
  const result = ofNumbers(a, b)
  return result === null ? null : number(result)
}

const binary = (
  ofNumbers: (x: number, y: number) => number | null,
  ofBigints: (x: bigint, y: bigint) => bigint | null,
): Pick<Operator, 'operands' | 'result' | 'evaluate'> => ({
  operands: ['number', 'number'],
  result: numeric,
  evaluate: (a: Numeric, b: Numeric) => arithmetic(a, b, ofNumbers, ofBigints),
})

/** A function of one number that has a value only where the result is no NaN. */
const real = (f: (x: number) => number): Pick<Operator, 'operands' | 'result' | 'evaluate'> => ({
  operands: ['number'],
  result: float,
  evaluate: (x: Numeric) => number(f(Number(x))),
})

/** 64-bit two's complement, as in SQL. */
const bitwise = (f: (x: bigint, y: bigint) => bigint): Pick<Operator, 'operands' | 'result' | 'evaluate'> => ({
  operands: ['number', 'number'],
  result: whole,
  evaluate(a: Numeric, b: Numeric) {
    if (!isWhole(a) || !isWhole(b)) return null
    const result = BigInt.asIntN(64, f(BigInt(a), BigInt(b)))
    return typeof a === 'bigint' || typeof b === 'bigint' ? result : Number(result)
  },
})

const isWhole = (x: Numeric): boolean => typeof x === 'bigint' || Number.isSafeInteger(x)

/** Arithmetic. What exceeds 64 bits of a bigint gives null. */
export const math: Operators = {
  add: {
    ...binary(
      (x, y) => x + y,
      (x, y) => x + y,
    ),
    docs: { call: 'add(value)', does: 'The sum.' },
  },
  sub: {
    ...binary(
      (x, y) => x - y,
      (x, y) => x - y,
    ),
    docs: { call: 'sub(value)', does: 'The difference.' },
  },
  mul: {
    ...binary(
      (x, y) => x * y,
      (x, y) => x * y,
    ),
    docs: { call: 'mul(value)', does: 'The product.' },
  },
  // Always a float, as in Python 3; null by zero, as in SQL.
  div: {
    operands: ['number', 'number'],
    result: float,
    evaluate: (a, b) => (Number(b) === 0 ? null : number(Number(a) / Number(b))),
    docs: { call: 'div(value)', does: 'The quotient, always a float; null by zero.' },
  },
  floorDiv: {
    ...binary(floorDivide, (x, y) => {
      if (y === 0n) return null
      const quotient = x / y
      return x % y !== 0n && x < 0n !== y < 0n ? quotient - 1n : quotient
    }),
    docs: { call: 'floorDiv(value)', does: 'The quotient rounded down: −7 by 2 is −4; null by zero.' },
  },
  // The sign of the dividend, as in JavaScript, C and SQL.
  mod: {
    ...binary(
      (x, y) => (y === 0 ? null : x % y),
      (x, y) => (y === 0n ? null : x % y),
    ),
    docs: { call: 'mod(value)', does: 'The remainder, with the sign of this; null by zero.' },
  },
  pow: {
    operands: ['number', 'number'],
    result: (types) => types.find((type) => type.wide) ?? floatType,
    evaluate: (a, b) =>
      arithmetic(
        a,
        b,
        (x, y) => (x === 0 && y < 0 ? null : x ** y),
        (x, y) => (y < 0n || (y > 64n && x * x > 1n) ? null : x ** y),
      ),
    docs: {
      call: 'pow(exponent)',
      does: 'The power, as a float unless one is a bigint; null for zero to a negative, and for no real number.',
      pixeltable: ['math.pow'],
    },
  },
  neg: {
    operands: ['number'],
    result: numeric,
    evaluate: (a) => (typeof a === 'bigint' ? -a : 0 - a),
    docs: { call: 'neg()', does: 'The number with the other sign.' },
  },
  abs: {
    operands: ['number'],
    result: numeric,
    evaluate: (a) => (a < 0 ? -a : a),
    docs: { call: 'abs()', does: 'The number without its sign.', pixeltable: ['math.abs'] },
  },
  ceil: {
    operands: ['number'],
    result: numeric,
    evaluate: (a) => (typeof a === 'bigint' ? a : Math.ceil(a)),
    docs: { call: 'ceil()', does: 'The least whole number that is not less.', pixeltable: ['math.ceil'] },
  },
  floor: {
    operands: ['number'],
    result: numeric,
    evaluate: (a) => (typeof a === 'bigint' ? a : Math.floor(a)),
    docs: { call: 'floor()', does: 'The greatest whole number that is not greater.', pixeltable: ['math.floor'] },
  },
  round: {
    operands: ['number', 'int'],
    optional: 1,
    result: ([type]) => numeric([type!]),
    evaluate: (x: Numeric, digits = 0) => (typeof x === 'bigint' ? roundBigint(x, digits) : round(x, digits)),
    docs: {
      call: 'round(digits = 0)',
      does: 'Rounds to decimal digits (negative: tens, hundreds …); a half goes to the even neighbour, as in Python.',
      pixeltable: ['math.round'],
    },
  },
  sqrt: {
    ...real(Math.sqrt),
    docs: { call: 'sqrt()', does: 'The square root; null of a negative.', pixeltable: ['math.sqrt'] },
  },
  exp: { ...real(Math.exp), docs: { call: 'exp()', does: 'e to this power.', pixeltable: ['math.exp'] } },
  log: {
    operands: ['number', 'number'],
    optional: 1,
    result: float,
    evaluate(x: Numeric, base?: Numeric) {
      if (x <= 0) return null
      if (base === undefined) return Math.log(Number(x))
      const divisor = base > 0 ? Math.log(Number(base)) : 0
      return divisor === 0 ? null : number(Math.log(Number(x)) / divisor)
    },
    docs: {
      call: 'log(base?)',
      does: 'The logarithm, natural without a base; null unless this is positive.',
      pixeltable: ['math.log'],
    },
  },
  log10: {
    operands: ['number'],
    result: float,
    evaluate: (x: Numeric) => (x <= 0 ? null : Math.log10(Number(x))),
    docs: {
      call: 'log10()',
      does: 'The logarithm to base 10; null unless this is positive.',
      pixeltable: ['math.log10'],
    },
  },
  bitAnd: {
    ...bitwise((x, y) => x & y),
    docs: {
      call: 'bitAnd(value)',
      does: 'Bitwise AND of whole numbers in 64-bit two’s complement; null for a fraction.',
      pixeltable: ['math.bitwise_and'],
    },
  },
  bitOr: {
    ...bitwise((x, y) => x | y),
    docs: {
      call: 'bitOr(value)',
      does: 'Bitwise OR of whole numbers; null for a fraction.',
      pixeltable: ['math.bitwise_or'],
    },
  },
  bitXor: {
    ...bitwise((x, y) => x ^ y),
    docs: {
      call: 'bitXor(value)',
      does: 'Bitwise exclusive OR of whole numbers; null for a fraction.',
      pixeltable: ['math.bitwise_xor'],
    },
  },
}

/** The greatest whole number not above the exact quotient: 1 by 0.1 is 9, because 0.1 is a little more than a tenth. */
function floorDivide(x: number, y: number): number | null {
  if (y === 0) return null
  const remainder = x % y
  let quotient = (x - remainder) / y
  if (remainder !== 0 && y < 0 !== remainder < 0) quotient -= 1
  // The division may have rounded to just beside a whole number.
  const floor = Math.floor(quotient)
  return quotient - floor > 0.5 ? floor + 1 : floor
}

/** Rounds the exact value that the double holds, a tie to the even neighbour. */
export function round(x: number, digits: number): number {
  if (!Number.isFinite(x) || digits > 99 || Math.abs(x) >= 2 ** 52) {
    return digits < 0 && Number.isFinite(x) ? Number(roundBigint(BigInt(Math.trunc(x)), digits)) : x
  }
  if (digits < 0) {
    const unit = 10 ** -digits
    return Number.isFinite(unit) ? halfEven(x / unit) * unit : 0
  }
  if (digits === 0) return halfEven(x)
  // toFixed is exact, but sends ties away from zero.
  const rounded = Number(x.toFixed(digits))
  if (!isTie(x, digits)) return rounded
  const last = x.toFixed(digits).at(-1)!
  if (Number(last) % 2 === 0) return rounded
  const down = x.toFixed(digits + 1).slice(0, -1)
  return Number(down)
}

/** A tie has its last digit, a five, right behind the digits that stay. */
function isTie(x: number, digits: number): boolean {
  const exact = x.toFixed(100).split('.')[1]!
  return exact[digits] === '5' && /^0*$/.test(exact.slice(digits + 1))
}

function halfEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

function roundBigint(x: bigint, digits: number): bigint {
  if (digits >= 0) return x
  if (digits < -19) return 0n
  const unit = 10n ** BigInt(-digits)
  const remainder = ((x % unit) + unit) % unit
  const down = x - remainder
  const twice = remainder * 2n
  const up = twice > unit || (twice === unit && (down / unit) % 2n !== 0n)
  return up ? down + unit : down
}
