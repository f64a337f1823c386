/*
 * float16 (IEEE 754 binary16) as bits in 16-bit integers: Node 20 has no array of its own for it. It
 * holds values up to 65,504; what is larger becomes infinite.
 */

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Exponent of all ones: infinity, or no number. */
const exponentMask = 0x7c00;

/** float32 bits of the smallest normal float16, and those of the first that is infinite there. */
const smallestNormal = 0x38800000;
const firstInfinite = 0x47800000;

/** Writes float32 values as float16 bits, rounded to the nearest, ties to even. */
export function toFloat16(values: Float32Array, out: Uint16Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const size = word & 0x7fffffff;
    // Nearly all values of a model, in a few operations; a carry goes into the exponent, as it should.
    out[i] =
      size >= smallestNormal && size < firstInfinite
        ? ((word >>> 16) & 0x8000) | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13)
        : halfBits(word);
  }
  return out;
}

/** Writes float16 bits as float32 values. */
export function fromFloat16(halves: Uint16Array, out: Float32Array): Float32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const table = (floatBits ??= tableOfFloats());
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
  return out;
}

/** Whether all of them are numbers. */
export function areFiniteFloat16(halves: Uint16Array): boolean {
  return halves.every((half) => (half & exponentMask) !== exponentMask);
}

/** float32 bits of every float16; made when first needed. */
let floatBits: Uint32Array | null = null;

function tableOfFloats(): Uint32Array {
  const values = Float32Array.from({ length: 0x10000 }, (_, half) => floatOf(half));
  return new Uint32Array(values.buffer);
}

function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | exponentMask | (fraction === 0 ? 0 : 0x200);
  const shifted = exponent - 127 + 15;
  if (shifted >= 0x1f) return sign | exponentMask;
  // A carry out of the fraction goes into the exponent, as it should.
  if (shifted > 0) return sign | rounded((shifted << 23) | fraction, 13);
  if (shifted < -10) return sign;
  return sign | rounded(fraction | 0x800000, 14 - shifted);
}

function rounded(value: number, dropped: number): number {
  const kept = value >>> dropped;
  const rest = value & ((1 << dropped) - 1);
  const half = 1 << (dropped - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

function floatOf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half & exponentMask) >>> 10;
  const fraction = half & 0x3ff;
  if (exponent === 0) {
    const size = fraction * 2 ** -24;
    return sign === 0 ? size : -size;
  }
  const shifted = exponent === 0x1f ? 0xff : exponent - 15 + 127;
  scratchBits[0] = sign | (shifted << 23) | (fraction << 13);
  return scratch[0]!;
}
