import type { Frame } from '../../frame/frame.ts';
import { inFractions, unionBox, type Box } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { modelMaskFromSoft } from '../../tracking/mask/model-mask.ts';
import { isInside } from './click-cells.ts';
import { sharedRegion } from './regions.ts';
import {
  passMask,
  positiveClicksBox,
  promptInRegion,
  type KeyframeContext,
  type KeyframeObject,
  type DecoderPass,
  type PassResult,
} from './pass.ts';

/**
 * The flip pass sees a crop of so many times the answer's box. Held-out clips, IoU on prompted frames at
 * 1.3, 1.4 and 1.5: box 0.857, 0.858, 0.857 and click 0.820, 0.819, 0.819.
 */
const flippedCropScale = 1.4;

/** One prompted object with the answer that the flip pass starts from. */
type Answered = {
  readonly object: KeyframeObject;
  /** Region of the answer. */
  readonly from: Box;
  readonly soft: SoftMask;
  /** Its mask and the clicks on it, in fractions of the picture; its box where there is no mask. */
  readonly place: Box;
};

/**
 * Flip augmentation: one more pass over each prompted object, in a zoomed crop flipped left to
 * right, where the model gains from it. Objects that were answered in one region share one encoder run. What is remembered was
 * seen as it is, so it takes no part.
 */
export function flipPasses(
  objects: readonly KeyframeObject[],
  answers: readonly (PassResult | null)[],
  { segmenter: { info } }: KeyframeContext,
  frame: Frame,
): (DecoderPass | null)[] {
  const { averageFlipPass, regionScale } = info.tracking;
  if (!averageFlipPass) return objects.map(() => null);
  const asked = objects.map((object, i) =>
    object.prompt && answers[i] ? answered(object, answers[i], frame) : null,
  );
  const scale = regionScale && Math.min(regionScale, flippedCropScale);
  const regions = new Map<Box, Box>();
  for (const from of new Set(asked.flatMap((one) => one?.from ?? []))) {
    const here = asked.filter((one) => one?.from === from);
    const places = here.flatMap((one) => one?.place ?? []);
    regions.set(from, sharedRegion(places, scale));
  }
  return asked.map((one) => {
    const region = one && regions.get(one.from);
    if (!region) return null;
    const { prompt, prior } = one.object;
    const { clicks, box } = promptInRegion(prompt, region, frame.display);
    // A box alone gained less from the answer as prior.
    const hint =
      box !== null && prior === null ? null : modelMaskFromSoft(one.soft, info.maskSide, region);
    const request = { clicks: clicks.filter(isInside), box, prior: hint, memory: [] };
    return { region, request, flipped: true };
  });
}

function answered(object: KeyframeObject, answer: PassResult, frame: Frame): Answered | null {
  const { display } = frame;
  const { prompt } = object;
  const { soft, box } = passMask(answer, frame);
  const drawn = prompt?.box ? inFractions(prompt.box, display) : null;
  const found = box ?? drawn;
  if (found === null) return null;
  const place = unionBox(found, positiveClicksBox(prompt, display)) ?? found;
  return { object, from: answer.region, soft, place };
}

/**
 * An answer with the mean of its logits and the flip pass's, in the answer's region: its
 * features are at hand for the memory. Where the flip pass did not reach, the answer stands.
 */
export function averageWithFlipped(answer: PassResult, flipped: PassResult): PassResult {
  const { region, result } = answer;
  const other = flipped.result;
  const side = Math.sqrt(result.logits.length);
  const across = placesIn(side, [region.x, region.width], [flipped.region.x, flipped.region.width]);
  const down = placesIn(side, [region.y, region.height], [flipped.region.y, flipped.region.height]);
  const logits = result.logits.map((logit, i) => {
    const x = across[i % side] ?? null;
    const y = down[Math.floor(i / side)] ?? null;
    return x === null || y === null ? logit : (logit + sample(other.logits, side, x, y)) / 2;
  });
  const presence = Math.max(result.presence, other.presence);
  const stability = (result.stability + other.stability) / 2;
  return { region, result: { ...result, logits, presence, stability } };
}

/** Where the cells of one span lie in another, in cells from its first one; null outside of it. */
function placesIn(
  side: number,
  [start, length]: readonly [number, number],
  [otherStart, otherLength]: readonly [number, number],
): (number | null)[] {
  return Array.from({ length: side }, (_, i) => {
    const fraction = (start + ((i + 0.5) / side) * length - otherStart) / otherLength;
    if (fraction < 0 || fraction > 1) return null;
    return Math.min(side - 1, Math.max(0, fraction * side - 0.5));
  });
}

/** Bilinear value at a place inside a square of values, in cells from the first one's centre. */
function sample(values: Float32Array, side: number, x: number, y: number): number {
  const left = Math.min(side - 2, Math.floor(x));
  const top = Math.min(side - 2, Math.floor(y));
  const at = top * side + left;
  const [u, v] = [x - left, y - top];
  const row = (from: number) => values[from]! * (1 - u) + values[from + 1]! * u;
  return row(at) * (1 - v) + row(at + side) * v;
}
