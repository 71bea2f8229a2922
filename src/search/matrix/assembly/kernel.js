"use strict";
// AssemblyScript, not TypeScript: `npm run build:kernel` compiles it into ../kernel-binary.ts.
//
// Every function scores `count` rows against one query. Row i is at `rows + i * stride`, or at `rows + list[i] * stride`
// where `list` is not null. A row is a header of 16 bytes (scale, bias and margin as float32, 4 bytes unused), then
// its elements, padded with zeros to `length` bytes. The result of row i, a float32, is at `out + 4 * i`: higher is
// better. Sums run side by side, because each would wait for its own last addition.
Object.defineProperty(exports, "__esModule", { value: true });
exports.dotFloat32 = dotFloat32;
exports.distanceFloat32 = distanceFloat32;
exports.dotInt8 = dotInt8;
exports.dotBits = dotBits;
exports.hadamard = hadamard;
// @ts-expect-error: decorator
const header = 16;
// @ts-expect-error: decorator
function addressOf(rows, stride, list, i) {
    return rows + stride * (list == 0 ? i : load(list + (i << 2)));
}
// @ts-expect-error: decorator
function sumOfFloats(v) {
    return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3)));
}
// @ts-expect-error: decorator
function sumOfInts(v) {
    return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}
/** The upper bound of a row's key: `factor * (dot * scale + margin) + bias`. */
// @ts-expect-error: decorator
function bound(row, dot, factor) {
    return factor * (dot * load(row) + load(row, 8)) + load(row, 4);
}
/** Rows and query of float32, `length` a multiple of 64. */
function dotFloat32(query, rows, stride, length, list, count, out, step, factor) {
    for (let i = 0; i < count; i++) {
        const row = addressOf(rows, stride, list, i);
        let a = f32x4.splat(0);
        let b = a;
        let c = a;
        let d = a;
        for (let q = query, r = row + header, end = query + length; q < end; q += 64, r += 64) {
            a = f32x4.add(a, f32x4.mul(v128.load(q, 0), v128.load(r, 0)));
            b = f32x4.add(b, f32x4.mul(v128.load(q, 16), v128.load(r, 16)));
            c = f32x4.add(c, f32x4.mul(v128.load(q, 32), v128.load(r, 32)));
            d = f32x4.add(d, f32x4.mul(v128.load(q, 48), v128.load(r, 48)));
        }
        const dot = sumOfFloats(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
        store(out + (i << 2), bound(row, dot * step, factor));
    }
}
/** As `dotFloat32`, but the squared euclidean distance times `-factor`. It stops at -2^126, short of infinity. */
function distanceFloat32(query, rows, stride, length, list, count, out, step, factor) {
    for (let i = 0; i < count; i++) {
        const row = addressOf(rows, stride, list, i);
        let a = f32x4.splat(0);
        let b = a;
        let c = a;
        let d = a;
        for (let q = query, r = row + header, end = query + length; q < end; q += 64, r += 64) {
            const e = f32x4.sub(v128.load(q, 0), v128.load(r, 0));
            const f = f32x4.sub(v128.load(q, 16), v128.load(r, 16));
            const g = f32x4.sub(v128.load(q, 32), v128.load(r, 32));
            const h = f32x4.sub(v128.load(q, 48), v128.load(r, 48));
            a = f32x4.add(a, f32x4.mul(e, e));
            b = f32x4.add(b, f32x4.mul(f, f));
            c = f32x4.add(c, f32x4.mul(g, g));
            d = f32x4.add(d, f32x4.mul(h, h));
        }
        const squares = sumOfFloats(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
        store(out + (i << 2), max(squares * -factor, -8.507059173023462e37));
    }
}
/** Rows of int8, a query of int16 times `step` such that no sum leaves 32 bits; `length` a multiple of 32. */
function dotInt8(query, rows, stride, length, list, count, out, step, factor) {
    for (let i = 0; i < count; i++) {
        const row = addressOf(rows, stride, list, i);
        let a = i32x4.splat(0);
        let b = a;
        for (let q = query, r = row + header, end = r + length; r < end; q += 64, r += 32) {
            a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext(r, 0), v128.load(q, 0)));
            b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext(r, 8), v128.load(q, 16)));
            a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext(r, 16), v128.load(q, 32)));
            b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext(r, 24), v128.load(q, 48)));
        }
        store(out + (i << 2), bound(row, sumOfInts(i32x4.add(a, b)) * step, factor));
    }
}
/**
 * Rows of bits for +1 and -1, `length` a multiple of 8; a query of odd numbers from -15 to 15 times `step`, in four
 * planes of bits that lie word by word: the plane p adds +2^p or -2^p.
 */
function dotBits(query, rows, stride, length, list, count, out, step, factor) {
    const highest = (length * 8 * 15);
    for (let i = 0; i < count; i++) {
        const row = addressOf(rows, stride, list, i);
        let a = 0;
        let b = 0;
        let c = 0;
        let d = 0;
        for (let q = query, r = row + header, end = r + length; r < end; q += 32, r += 8) {
            const word = load(r);
            a += popcnt(word ^ load(q, 0));
            b += popcnt(word ^ load(q, 8));
            c += popcnt(word ^ load(q, 16));
            d += popcnt(word ^ load(q, 24));
        }
        const different = (a + (b << 1) + (c << 2) + (d << 3));
        store(out + (i << 2), bound(row, (highest - 2 * different) * step, factor));
    }
}
/** Multiplies `length` float32 (a power of two, at least 8) by `signs`, then by the Walsh-Hadamard matrix, in place. */
function hadamard(values, signs, length) {
    const bytes = length << 2;
    for (let i = 0; i < bytes; i += 16) {
        const v = f32x4.mul(v128.load(values + i), v128.load(signs + i));
        // Stages of distance 1 and 2 are within four lanes.
        const one = f32x4.add(v128.shuffle(v, v, 0, 0, 2, 2), f32x4.mul(v128.shuffle(v, v, 1, 1, 3, 3), f32x4(1, -1, 1, -1)));
        const two = f32x4.add(v128.shuffle(one, one, 0, 1, 0, 1), f32x4.mul(v128.shuffle(one, one, 2, 3, 2, 3), f32x4(1, 1, -1, -1)));
        v128.store(values + i, two);
    }
    for (let half = 16; half < bytes; half <<= 1) {
        for (let from = 0; from < bytes; from += half << 1) {
            for (let at = values + from, end = at + half; at < end; at += 16) {
                const x = v128.load(at);
                const y = v128.load(at + half);
                v128.store(at, f32x4.add(x, y));
                v128.store(at + half, f32x4.sub(x, y));
            }
        }
    }
}
