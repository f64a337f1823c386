/*
 * bfloat16: the upper half of a float32. PyTorch, in which the models were trained, keeps memory maps
 * in it, and what it rounds away has been seen to matter (logits differ by 0.006 without it).
 */

/** Float32 values as bfloat16 bits, rounded to the nearest, ties to even, as PyTorch does. */
export function toBfloat16(values: Float32Array, out: Uint16Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    out[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Writes bfloat16 bits as float32 values. */
export function fromBfloat16(halves: Uint16Array, out: Float32Array): Float32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return out;
}
