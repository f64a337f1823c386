/*
 * float16 (IEEE 754 binary16) as bits in 16-bit integers: Node 20 has no array of its own for it. It
 * holds values up to 65,504; what is larger becomes infinite.
 */

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Exponent of all ones: infinity, or no number. */
const exponentMask = 0x7c00;

/** Writes float32 values as float16 bits, rounded to the nearest, ties to even. */
export function toFloat16(values: Float32Array, out: Uint16Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) out[i] = halfBits(bits[i]!);
  return out;
}

/** Writes float16 bits as float32 values. */
export function fromFloat16(halves: Uint16Array, out: Float32Array): Float32Array {
  for (let i = 0; i < halves.length; i++) out[i] = floatOf(halves[i]!);
  return out;
}

/** Whether all of them are numbers. */
export function areFiniteFloat16(halves: Uint16Array): boolean {
  return halves.every((half) => (half & exponentMask) !== exponentMask);
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
