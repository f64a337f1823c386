/**
 * J of one frame: intersection over union of two bitmaps (row-major, non-zero = set), 1 where both
 * are empty (`db_eval_iou` of davis2017-evaluation).
 */
export function regionIou(predicted: Uint8Array, truth: Uint8Array): number {
  let shared = 0;
  let either = 0;
  for (let index = 0; index < truth.length; index++) {
    const p = predicted[index] ? 1 : 0;
    const t = truth[index] ? 1 : 0;
    shared += p & t;
    either += p | t;
  }
  return either === 0 ? 1 : shared / either;
}
