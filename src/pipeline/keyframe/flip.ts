import type { DecodeRequest } from '../../frame/ports.ts';

/** A square mask float32[side, side] flipped left to right; new memory. */
export function flipMask(mask: Float32Array): Float32Array {
  const side = Math.sqrt(mask.length);
  const flipped = mask.slice();
  for (let from = 0; from < mask.length; from += side)
    flipped.subarray(from, from + side).reverse();
  return flipped;
}

/** The same question about a region that is flipped left to right. What is remembered is not. */
export function flipRequest({ clicks, box, prior }: DecodeRequest): DecodeRequest {
  return {
    clicks: clicks.map((click) => ({ ...click, x: 1 - click.x })),
    box: box && { ...box, x: 1 - box.x - box.width },
    prior: prior && flipMask(prior),
    memory: [],
  };
}
