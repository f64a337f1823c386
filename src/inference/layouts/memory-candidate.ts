import type { Manifest } from '../manifest.ts';
import type { RecallItem } from './layout.ts';
import { floats } from '../engine/float-tensors.ts';
import type { Tensor } from '../engine/onnxruntime.ts';

/** What a decoder with an object pointer says of one object. */
export type DecoderAnswer = {
  /** float32[side, side]. */
  readonly logits: Float32Array;
  /** The same at the size of the input. */
  readonly highRes: Float32Array;
  readonly iou: number;
  /** Logit. */
  readonly presence: number;
  readonly pointer: Float32Array;
};

/** SAM 2's bounds: logits between which a mask is compared, and the IoU under which it is unstable. */
const stabilityDelta = 0.05;
const minStability = 0.98;

/** Logits of a mask whose object is not there. */
const absentLogit = -1024;

/**
 * The candidate that the original takes. Exports with one candidate have chosen in the graph. Of
 * several, a lone click and memory alone take the best by predicted IoU of those after the first; any
 * other prompt takes the first, unless it is unstable, and then keeps the first one's pointer.
 */
export function answerOf(
  outputs: Record<string, Tensor>,
  { box, clicks }: Pick<RecallItem, 'box' | 'clicks'>,
  { candidates, side }: Pick<Manifest['masks'], 'candidates' | 'side'>,
): DecoderAnswer {
  const scores = floats(outputs['iou']!);
  const low = planes(outputs['logits']!, candidates);
  const high = planes(outputs['highRes']!, candidates);
  const pointers = planes(outputs['pointer']!, candidates);
  const presence = floats(outputs['presence']!)[0]!;
  const isAmbiguous = box === null && clicks.length <= 1;
  const best = bestFrom(candidates > 3 ? 1 : 0, scores);
  const isSingle = candidates === 1 || (candidates > 3 && !isAmbiguous);
  const shown = isSingle && (candidates === 1 || isStable(low[0]!)) ? 0 : best;
  const pointed = isSingle ? 0 : best;
  const isAbsent = candidates > 1 && presence <= 0;
  const inhabited = (mask: Float32Array): Float32Array =>
    isAbsent ? new Float32Array(mask.length).fill(absentLogit) : mask;
  if (low[shown]!.length !== side * side) {
    throw new Error(`expected logits of ${side} x ${side}, got ${low[shown]!.length} values`);
  }
  return {
    logits: inhabited(low[shown]!),
    highRes: inhabited(high[shown]!),
    iou: scores[shown]!,
    presence,
    // Some exports give one pointer for all candidates.
    pointer: pointers[pointed]!,
  };
}

/** A tensor's values for each candidate; the same for all where it does not tell them apart. */
function planes(tensor: Tensor, candidates: number): Float32Array[] {
  const values = floats(tensor);
  const isShared = !tensor.dims.slice(0, -1).includes(candidates);
  const length = isShared ? values.length : values.length / candidates;
  return Array.from({ length: candidates }, (_, i) =>
    isShared ? values : values.subarray(i * length, (i + 1) * length),
  );
}

function bestFrom(first: number, scores: Float32Array): number {
  let best = first;
  for (let i = first + 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

function isStable(logits: Float32Array): boolean {
  let inner = 0;
  let outer = 0;
  for (const logit of logits) {
    if (logit > stabilityDelta) inner++;
    if (logit > -stabilityDelta) outer++;
  }
  return outer === 0 || inner / outer >= minStability;
}
