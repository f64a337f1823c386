/**
 * IoU of a mask at logits +1 and -1: how little its outline depends on the threshold. The stability
 * score of "Segment Anything" (Kirillov et al., ICCV 2023). 0 for an empty mask.
 */
export function stabilityScore(logits: Float32Array): number {
  let inner = 0;
  let outer = 0;
  for (const logit of logits) {
    if (logit > 1) inner++;
    if (logit > -1) outer++;
  }
  return outer === 0 ? 0 : inner / outer;
}

/**
 * IoU of a mask with the other candidate that is most like it: a part and the whole differ, one
 * clear thing is found three times. 1 where there is no other.
 */
export function consensusScore(candidates: readonly Float32Array[], chosen: number): number {
  const mask = candidates[chosen];
  const others = candidates.filter((_, i) => i !== chosen);
  if (mask === undefined || others.length === 0) return 1;
  return Math.max(...others.map((other) => logitsIou(mask, other)));
}

/** IoU of what two masks of one size hold at logit 0; 0 where both are empty. */
function logitsIou(a: Float32Array, b: Float32Array): number {
  let shared = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    const inA = a[i]! > 0;
    const inB = b[i]! > 0;
    if (inA && inB) shared++;
    if (inA || inB) either++;
  }
  return either === 0 ? 0 : shared / either;
}
