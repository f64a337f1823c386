import { unionBox, type Box } from '../../frame/geometry.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { DecodeRequest } from '../../frame/ports.ts';
import { modelMaskFromSoft } from '../../tracking/mask/model-mask.ts';
import type { Answer, DecoderPass, PassResult } from './pass.ts';
import { isInside, promptInRegion, type PicturePrompt } from './prompt-geometry.ts';

/**
 * The flip pass sees a crop of so many times the answer's box. Held-out clips, IoU on prompted frames at
 * 1.3, 1.4 and 1.5: box 0.857, 0.858, 0.857 and click 0.820, 0.819, 0.819.
 */
const flippedCropScale = 1.4;

/**
 * Flip augmentation: one more pass over a prompted object, in a zoomed crop flipped left to right,
 * where the model gains from it. Memory was seen as it is, so it takes no part.
 *
 * @param hasPrior the prompt corrects a propagated mask
 */
export function flipPass(
  prompt: PicturePrompt,
  answer: PassResult,
  { info, hasPrior }: { readonly info: ModelInfo; readonly hasPrior: boolean },
): DecoderPass | null {
  const { averageFlipPass, regionScale } = info.tracking;
  const { soft, box } = answer.mask;
  const found = box ?? prompt.box;
  if (!averageFlipPass || found === null) return null;
  const place = unionBox(found, prompt.clickedBox) ?? found;
  const scale = regionScale && Math.min(regionScale, flippedCropScale);
  const request = (region: Box): DecodeRequest => {
    const { clicks, box: drawn } = promptInRegion(prompt, region);
    // A box alone gained less from the answer as prior.
    const isHinted = drawn === null || hasPrior;
    const prior = isHinted ? modelMaskFromSoft(soft, info.maskSide, region) : null;
    return { clicks: clicks.filter(isInside), box: drawn, prior, memory: [] };
  };
  return { region: { answeredIn: answer.region, place, scale }, request, flipped: true };
}

/**
 * An answer with the mean of its logits and the flip pass's, in the answer's region: its
 * features are at hand for the memory. Where the flip pass did not reach, the answer stands.
 */
export function averageWithFlipped(answer: Answer, flipped: Answer | null): Answer {
  if (flipped === null) return answer;
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
