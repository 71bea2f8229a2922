// AssemblyScript, not TypeScript: `npm run build:kernel` compiles it into ../kernel-binary.ts.
//
// Every scan scores `count` rows against one query. Row i is at `rows + i * stride`, or at `rows + list[i] * stride`
// where `list` is not null. A row is a header of 16 bytes (scale, bias and margin as float32, 4 bytes unused), then
// its elements, padded with zeros to `length` bytes. The result of row i, a float32, is at `out + 4 * i`: higher is
// better.
//
// Four rows go side by side, each from another quarter of the rows: one row after the other would wait for its own
// additions, and for each page of memory that it comes to; four far from each other wait at the same time. That makes a
// scan of int8 three times as fast. Quarters end alike: a row beyond the last is the last once more.

// @ts-expect-error: decorator
@inline
const header: usize = 16

// @ts-expect-error: decorator
@inline
function quarterOf(count: usize): usize {
  return (count + 3) >> 2
}

// @ts-expect-error: decorator
@inline
function addressOf(rows: usize, stride: usize, list: usize, i: usize): usize {
  return rows + stride * (list == 0 ? i : <usize>load<u32>(list + (i << 2)))
}

// @ts-expect-error: decorator
@inline
function sumOfFloats(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  )
}

// @ts-expect-error: decorator
@inline
function sumOfInts(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
}

/** The upper bound of a row's key: `factor * (dot * scale + margin) + bias`. */
// @ts-expect-error: decorator
@inline
function bound(row: usize, dot: f32, factor: f32): f32 {
  return factor * (dot * load<f32>(row) + load<f32>(row, 8)) + load<f32>(row, 4)
}

/** Rows and query of float32, `length` a multiple of 64. */
export function dotFloat32(
  query: usize, rows: usize, stride: usize, length: usize, list: usize, count: usize, out: usize, step: f32, factor: f32,
): void {
  const quarter = quarterOf(count)
  for (let i: usize = 0; i < quarter; i++) {
    const j = min(i + quarter, count - 1)
    const k = min(i + 2 * quarter, count - 1)
    const l = min(i + 3 * quarter, count - 1)
    const row0 = addressOf(rows, stride, list, i)
    const row1 = addressOf(rows, stride, list, j)
    const row2 = addressOf(rows, stride, list, k)
    const row3 = addressOf(rows, stride, list, l)
    let a0 = f32x4.splat(0)
    let b0 = a0
    let a1 = a0
    let b1 = a0
    let a2 = a0
    let b2 = a0
    let a3 = a0
    let b3 = a0
    for (let at: usize = 0; at < length; at += 32) {
      const x = v128.load(query + at)
      const y = v128.load(query + at, 16)
      a0 = f32x4.add(a0, f32x4.mul(x, v128.load(row0 + at, 16)))
      b0 = f32x4.add(b0, f32x4.mul(y, v128.load(row0 + at, 32)))
      a1 = f32x4.add(a1, f32x4.mul(x, v128.load(row1 + at, 16)))
      b1 = f32x4.add(b1, f32x4.mul(y, v128.load(row1 + at, 32)))
      a2 = f32x4.add(a2, f32x4.mul(x, v128.load(row2 + at, 16)))
      b2 = f32x4.add(b2, f32x4.mul(y, v128.load(row2 + at, 32)))
      a3 = f32x4.add(a3, f32x4.mul(x, v128.load(row3 + at, 16)))
      b3 = f32x4.add(b3, f32x4.mul(y, v128.load(row3 + at, 32)))
    }
    store<f32>(out + (i << 2), bound(row0, sumOfFloats(f32x4.add(a0, b0)) * step, factor))
    store<f32>(out + (j << 2), bound(row1, sumOfFloats(f32x4.add(a1, b1)) * step, factor))
    store<f32>(out + (k << 2), bound(row2, sumOfFloats(f32x4.add(a2, b2)) * step, factor))
    store<f32>(out + (l << 2), bound(row3, sumOfFloats(f32x4.add(a3, b3)) * step, factor))
  }
}

// @ts-expect-error: decorator
@inline
function squares(x: v128, row: usize, sum: v128): v128 {
  const difference = f32x4.sub(x, v128.load(row, header))
  return f32x4.add(sum, f32x4.mul(difference, difference))
}

/** The upper bound of a squared distance times -1. It stops at -2^126, short of infinity. */
// @ts-expect-error: decorator
@inline
function nearness(sum: v128, factor: f32): f32 {
  return max<f32>(sumOfFloats(sum) * -factor, -8.507059173023462e37)
}

/** As `dotFloat32`, but the squared euclidean distance times `-factor`. */
export function distanceFloat32(
  query: usize, rows: usize, stride: usize, length: usize, list: usize, count: usize, out: usize, step: f32, factor: f32,
): void {
  const quarter = quarterOf(count)
  for (let i: usize = 0; i < quarter; i++) {
    const j = min(i + quarter, count - 1)
    const k = min(i + 2 * quarter, count - 1)
    const l = min(i + 3 * quarter, count - 1)
    const row0 = addressOf(rows, stride, list, i)
    const row1 = addressOf(rows, stride, list, j)
    const row2 = addressOf(rows, stride, list, k)
    const row3 = addressOf(rows, stride, list, l)
    let a0 = f32x4.splat(0)
    let b0 = a0
    let a1 = a0
    let b1 = a0
    let a2 = a0
    let b2 = a0
    let a3 = a0
    let b3 = a0
    for (let at: usize = 0; at < length; at += 32) {
      const x = v128.load(query + at)
      const y = v128.load(query + at, 16)
      a0 = squares(x, row0 + at, a0)
      b0 = squares(y, row0 + at + 16, b0)
      a1 = squares(x, row1 + at, a1)
      b1 = squares(y, row1 + at + 16, b1)
      a2 = squares(x, row2 + at, a2)
      b2 = squares(y, row2 + at + 16, b2)
      a3 = squares(x, row3 + at, a3)
      b3 = squares(y, row3 + at + 16, b3)
    }
    store<f32>(out + (i << 2), nearness(f32x4.add(a0, b0), factor))
    store<f32>(out + (j << 2), nearness(f32x4.add(a1, b1), factor))
    store<f32>(out + (k << 2), nearness(f32x4.add(a2, b2), factor))
    store<f32>(out + (l << 2), nearness(f32x4.add(a3, b3), factor))
  }
}

/** Eight products of int8 and int16, in pairs. */
// @ts-expect-error: decorator
@inline
function pairs(row: usize, query: v128): v128 {
  return i32x4.dot_i16x8_s(v128.load_ext<i8>(row, header), query)
}

/** Rows of int8, a query of int16 times `step` such that no sum leaves 32 bits; `length` a multiple of 32. */
export function dotInt8(
  query: usize, rows: usize, stride: usize, length: usize, list: usize, count: usize, out: usize, step: f32, factor: f32,
): void {
  const quarter = quarterOf(count)
  for (let i: usize = 0; i < quarter; i++) {
    const j = min(i + quarter, count - 1)
    const k = min(i + 2 * quarter, count - 1)
    const l = min(i + 3 * quarter, count - 1)
    const row0 = addressOf(rows, stride, list, i)
    const row1 = addressOf(rows, stride, list, j)
    const row2 = addressOf(rows, stride, list, k)
    const row3 = addressOf(rows, stride, list, l)
    let sum0 = i32x4.splat(0)
    let sum1 = sum0
    let sum2 = sum0
    let sum3 = sum0
    for (let at: usize = 0, q = query; at < length; at += 16, q += 32) {
      const x = v128.load(q)
      const y = v128.load(q, 16)
      sum0 = i32x4.add(sum0, pairs(row0 + at, x))
      sum1 = i32x4.add(sum1, pairs(row1 + at, x))
      sum2 = i32x4.add(sum2, pairs(row2 + at, x))
      sum3 = i32x4.add(sum3, pairs(row3 + at, x))
      sum0 = i32x4.add(sum0, pairs(row0 + at + 8, y))
      sum1 = i32x4.add(sum1, pairs(row1 + at + 8, y))
      sum2 = i32x4.add(sum2, pairs(row2 + at + 8, y))
      sum3 = i32x4.add(sum3, pairs(row3 + at + 8, y))
    }
    store<f32>(out + (i << 2), bound(row0, <f32>sumOfInts(sum0) * step, factor))
    store<f32>(out + (j << 2), bound(row1, <f32>sumOfInts(sum1) * step, factor))
    store<f32>(out + (k << 2), bound(row2, <f32>sumOfInts(sum2) * step, factor))
    store<f32>(out + (l << 2), bound(row3, <f32>sumOfInts(sum3) * step, factor))
  }
}

/** The bits in which a word differs from the planes of a query, each times what its plane adds. */
// @ts-expect-error: decorator
@inline
function differences(word: i64, query: usize): i64 {
  return (
    popcnt(word ^ load<i64>(query)) +
    (popcnt(word ^ load<i64>(query, 8)) << 1) +
    (popcnt(word ^ load<i64>(query, 16)) << 2)
  )
}

/**
 * Rows of bits for +1 and -1, `length` a multiple of 8; a query of odd numbers from -7 to 7 times `step`, in three
 * planes of bits that lie word by word: the plane p adds +2^p or -2^p.
 */
export function dotBits(
  query: usize, rows: usize, stride: usize, length: usize, list: usize, count: usize, out: usize, step: f32, factor: f32,
): void {
  const highest = <i64>(length * 8 * 7)
  const quarter = quarterOf(count)
  for (let i: usize = 0; i < quarter; i++) {
    const j = min(i + quarter, count - 1)
    const k = min(i + 2 * quarter, count - 1)
    const l = min(i + 3 * quarter, count - 1)
    const row0 = addressOf(rows, stride, list, i)
    const row1 = addressOf(rows, stride, list, j)
    const row2 = addressOf(rows, stride, list, k)
    const row3 = addressOf(rows, stride, list, l)
    let sum0: i64 = 0
    let sum1: i64 = 0
    let sum2: i64 = 0
    let sum3: i64 = 0
    for (let at: usize = 0, q = query; at < length; at += 8, q += 24) {
      sum0 += differences(load<i64>(row0 + at, header), q)
      sum1 += differences(load<i64>(row1 + at, header), q)
      sum2 += differences(load<i64>(row2 + at, header), q)
      sum3 += differences(load<i64>(row3 + at, header), q)
    }
    store<f32>(out + (i << 2), bound(row0, <f32>(highest - 2 * sum0) * step, factor))
    store<f32>(out + (j << 2), bound(row1, <f32>(highest - 2 * sum1) * step, factor))
    store<f32>(out + (k << 2), bound(row2, <f32>(highest - 2 * sum2) * step, factor))
    store<f32>(out + (l << 2), bound(row3, <f32>(highest - 2 * sum3) * step, factor))
  }
}

/** Multiplies `length` float32 (a power of two, at least 8) by `signs`, then by the Walsh-Hadamard matrix, in place. */
export function hadamard(values: usize, signs: usize, length: usize): void {
  const bytes = length << 2
  for (let i: usize = 0; i < bytes; i += 16) {
    const v = f32x4.mul(v128.load(values + i), v128.load(signs + i))
    // Stages of distance 1 and 2 are within four lanes.
    const one = f32x4.add(
      v128.shuffle<f32>(v, v, 0, 0, 2, 2),
      f32x4.mul(v128.shuffle<f32>(v, v, 1, 1, 3, 3), f32x4(1, -1, 1, -1)),
    )
    const two = f32x4.add(
      v128.shuffle<f32>(one, one, 0, 1, 0, 1),
      f32x4.mul(v128.shuffle<f32>(one, one, 2, 3, 2, 3), f32x4(1, 1, -1, -1)),
    )
    v128.store(values + i, two)
  }
  for (let half: usize = 16; half < bytes; half <<= 1) {
    for (let from: usize = 0; from < bytes; from += half << 1) {
      for (let at = values + from, end = at + half; at < end; at += 16) {
        const x = v128.load(at)
        const y = v128.load(at + half)
        v128.store(at, f32x4.add(x, y))
        v128.store(at + half, f32x4.sub(x, y))
      }
    }
  }
}

/**
 * Makes a row of int8 of `length` float32, a multiple of 16. Its scale is the factor that makes the largest element 127,
 * its margin the sum of the squares of what rounding took away, in units of codes.
 */
export function quantise(values: usize, row: usize, length: usize): void {
  const end = values + (length << 2)
  let tops = f32x4.splat(0)
  for (let at = values; at < end; at += 16) tops = f32x4.max(tops, f32x4.abs(v128.load(at)))
  const top = max<f32>(
    max<f32>(f32x4.extract_lane(tops, 0), f32x4.extract_lane(tops, 1)),
    max<f32>(f32x4.extract_lane(tops, 2), f32x4.extract_lane(tops, 3)),
  )
  const inverse = top > 0 ? <f32>127 / top : <f32>1
  const factor = f32x4.splat(inverse)
  let squares = f32x4.splat(0)
  let codes = row + header
  for (let at = values; at < end; at += 64, codes += 16) {
    const a = f32x4.mul(v128.load(at, 0), factor)
    const b = f32x4.mul(v128.load(at, 16), factor)
    const c = f32x4.mul(v128.load(at, 32), factor)
    const d = f32x4.mul(v128.load(at, 48), factor)
    const ra = f32x4.nearest(a)
    const rb = f32x4.nearest(b)
    const rc = f32x4.nearest(c)
    const rd = f32x4.nearest(d)
    const ea = f32x4.sub(a, ra)
    const eb = f32x4.sub(b, rb)
    const ec = f32x4.sub(c, rc)
    const ed = f32x4.sub(d, rd)
    squares = f32x4.add(squares, f32x4.add(f32x4.mul(ea, ea), f32x4.mul(eb, eb)))
    squares = f32x4.add(squares, f32x4.add(f32x4.mul(ec, ec), f32x4.mul(ed, ed)))
    v128.store(
      codes,
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(ra), i32x4.trunc_sat_f32x4_s(rb)),
        i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(rc), i32x4.trunc_sat_f32x4_s(rd)),
      ),
    )
  }
  store<f32>(row, inverse)
  store<f32>(row, sumOfFloats(squares), 8)
}

/** Makes a row of bits of `length` float32, a multiple of 64: 1 where positive. Its scale is the sum of their sizes. */
export function signs(values: usize, row: usize, length: usize): void {
  const end = values + (length << 2)
  const zero = f32x4.splat(0)
  let sizes = zero
  let bits = row + header
  for (let at = values; at < end; at += 32, bits++) {
    const a = v128.load(at, 0)
    const b = v128.load(at, 16)
    sizes = f32x4.add(sizes, f32x4.add(f32x4.abs(a), f32x4.abs(b)))
    store<u8>(bits, i32x4.bitmask(f32x4.gt(a, zero)) | (i32x4.bitmask(f32x4.gt(b, zero)) << 4))
  }
  store<f32>(row, sumOfFloats(sizes))
}

/**
 * Rows that have several vectors each, written as `parts` codes of one byte (a multiple of 4): the similarity of a code
 * with 32 vectors of a query is 32 bytes (int8) of `table`, 64 codes a part. Rows are `count` records at `records`: the
 * address of the first code and the number of vectors, uint32 each. The result of row i, an int32 at `out + 4 * i`, is
 * the sum of the best similarities, each of them from -128 to 127.
 */
export function maxSimCodes(table: usize, parts: usize, records: usize, count: usize, out: usize): void {
  for (let i: usize = 0; i < count; i++, records += 8) {
    let code: usize = load<u32>(records)
    const last = code + <usize>load<u32>(records, 4) * parts
    let best0 = i8x16.splat(-128)
    let best1 = best0
    while (code < last) {
      let a = i8x16.splat(0)
      let b = a
      let entries = table
      for (const end = code + parts; code < end; code += 4, entries += 8192) {
        const w = entries + (<usize>load<u8>(code) << 5)
        a = i8x16.add_sat_s(a, v128.load(w))
        b = i8x16.add_sat_s(b, v128.load(w, 16))
        const x = entries + (<usize>load<u8>(code, 1) << 5)
        a = i8x16.add_sat_s(a, v128.load(x, 2048))
        b = i8x16.add_sat_s(b, v128.load(x, 2064))
        const y = entries + (<usize>load<u8>(code, 2) << 5)
        a = i8x16.add_sat_s(a, v128.load(y, 4096))
        b = i8x16.add_sat_s(b, v128.load(y, 4112))
        const z = entries + (<usize>load<u8>(code, 3) << 5)
        a = i8x16.add_sat_s(a, v128.load(z, 6144))
        b = i8x16.add_sat_s(b, v128.load(z, 6160))
      }
      best0 = i8x16.max_s(best0, a)
      best1 = i8x16.max_s(best1, b)
    }
    const pairs = i16x8.add(i16x8.extadd_pairwise_i8x16_s(best0), i16x8.extadd_pairwise_i8x16_s(best1))
    store<i32>(out + (i << 2), sumOfInts(i32x4.extadd_pairwise_i16x8_s(pairs)))
  }
}

// @ts-expect-error: decorator
@inline
function sumOfDoubles(v: v128, w: v128): f64 {
  const sum = f64x2.add(v, w)
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/**
 * For each of `queries` (float64; two at a time, so their number is even) the highest product with one of `count` vectors
 * (float32, without headers), times the scale of the vector (float64). `length`, in elements, is a multiple of 4. Sums go
 * in four lanes, as those of `maxSim` in plain TypeScript. The results are float64.
 */
export function maxSimFloat64(
  query: usize, queries: usize, vectors: usize, scales: usize, length: usize, count: usize, out: usize,
): void {
  const width = length << 3
  for (let q: usize = 0; q < queries; q += 2, query += width << 1, out += 16) {
    let best0: f64 = -Infinity
    let best1: f64 = -Infinity
    for (let i: usize = 0, at = vectors; i < count; i++) {
      let a = f64x2.splat(0)
      let b = a
      let c = a
      let d = a
      for (let p = query, end = query + width; p < end; p += 32, at += 16) {
        const values = v128.load(at)
        const low = f64x2.promote_low_f32x4(values)
        const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(values, values, 2, 3, 2, 3))
        a = f64x2.add(a, f64x2.mul(v128.load(p), low))
        b = f64x2.add(b, f64x2.mul(v128.load(p, 16), high))
        c = f64x2.add(c, f64x2.mul(v128.load(p + width), low))
        d = f64x2.add(d, f64x2.mul(v128.load(p + width, 16), high))
      }
      const scale = load<f64>(scales + (i << 3))
      best0 = max<f64>(best0, sumOfDoubles(a, b) * scale)
      best1 = max<f64>(best1, sumOfDoubles(c, d) * scale)
    }
    store<f64>(out, best0)
    store<f64>(out, best1, 8)
  }
}

/**
 * The nearest of 64 centres for each of `parts` parts of a vector of float32. A part has 8 elements, for each of which
 * `centres` has 64 float32, and then half the squared lengths of the centres. One byte a part at `out`.
 */
export function encodeParts(vector: usize, centres: usize, parts: usize, out: usize): void {
  for (let part: usize = 0; part < parts; part++, vector += 32, centres += 2304) {
    let best = f32x4.splat(<f32>-Infinity)
    let codes = i32x4.splat(0)
    let four = i32x4(0, 1, 2, 3)
    for (let at = centres, end = centres + 256; at < end; at += 16) {
      let score = f32x4.neg(v128.load(at, 2048))
      for (let i: usize = 0; i < 8; i++) {
        score = f32x4.add(score, f32x4.mul(v128.load_splat<f32>(vector + (i << 2)), v128.load(at + (i << 8))))
      }
      codes = v128.bitselect(four, codes, f32x4.gt(score, best))
      best = f32x4.max(score, best)
      four = i32x4.add(four, i32x4.splat(4))
    }
    let top = f32x4.extract_lane(best, 0)
    let code = i32x4.extract_lane(codes, 0)
    if (f32x4.extract_lane(best, 1) > top) {
      top = f32x4.extract_lane(best, 1)
      code = i32x4.extract_lane(codes, 1)
    }
    if (f32x4.extract_lane(best, 2) > top) {
      top = f32x4.extract_lane(best, 2)
      code = i32x4.extract_lane(codes, 2)
    }
    if (f32x4.extract_lane(best, 3) > top) code = i32x4.extract_lane(codes, 3)
    store<u8>(out + part, <u8>code)
  }
}
