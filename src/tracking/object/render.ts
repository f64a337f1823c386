import type { Size } from '../../frame/geometry.ts';
import { decodeCocoRle } from '../../frame/coco-rle.ts';
import { maskFromBitmap, type Mask } from '../../frame/mask.ts';
import type { ObjectOutput, OutputOptions } from '../delivery-types.ts';
import { cleanMasks } from '../mask/clean-mask.ts';
import { renderDisjoint } from '../mask/overlap.ts';
import { emptySoftMask } from '../mask/model-mask.ts';
import { renderMask } from '../mask/render.ts';
import { settleContest, type Settled } from '../mask/settle-contest.ts';
import { contestedIou } from './confidence.ts';
import { resizeMask } from './resize-mask.ts';
import type { ColourSamples } from './colour-histogram.ts';
import { likeTouchRatios } from './like-neighbours.ts';
import { confidenceOf, presenceOf, type TrackedObject } from './tracked-object.ts';

/** Thresholds, applies the overlap rule and measures what is delivered, by ascending object id. */
export function renderObjects(
  objects: readonly TrackedObject[],
  frame: {
    readonly display: Size;
    readonly timestampUs: number;
    /** The picture's colours; asked for only where masks touch. */
    readonly samples: () => ColourSamples;
  },
  options: OutputOptions,
): ObjectOutput[] {
  const disjoint = options.overlap === 'disjoint';
  const settled = settledMasks(objects, disjoint, frame.samples);
  const { masks } = settled;
  const rendered = disjoint
    ? renderDisjoint(masks, frame.display)
    : masks.map((mask) => renderMask(mask, frame.display));
  let shown = objects.map(({ given }, i) =>
    given === null ? rendered[i]! : decodeCocoRle(given.counts, given.size),
  );
  const { minRegionArea = 0 } = options;
  if (minRegionArea > 1) shown = cleaned(objects, shown, minRegionArea);
  if (disjoint) shown = givenMasksFirst(objects, shown);
  return objects.map((object, i) => {
    const display = shown[i]!;
    return {
      objectId: object.objectId,
      mask: resizeMask(display, options.maskSize),
      box: display.box,
      area: display.area,
      confidence: contestedIou(confidenceOf(object, frame.timestampUs), {
        contestedRatio: settled.contestedRatios[i]!,
        likeTouchRatio: settled.likeTouchRatios[i]!,
      }),
      presence: presenceOf(object, frame.timestampUs),
      predictedIou: object.sourceKeyframe?.predictedIou ?? null,
      sourceKeyframe: object.sourceKeyframe?.frameIndex ?? null,
    };
  });
}

/** Masks whose disputes are settled; a given one is in no dispute, and without the rule none is. */
function settledMasks(
  objects: readonly TrackedObject[],
  disjoint: boolean,
  samples: () => ColourSamples,
): Settled & { readonly likeTouchRatios: readonly number[] } {
  const masks = objects.map(({ soft }) => soft);
  const none = masks.map(() => 0);
  if (!disjoint || masks.length < 2) {
    return { masks, contestedRatios: none, likeTouchRatios: none };
  }
  const rivals = objects.map(({ soft, given }) =>
    given === null ? soft : emptySoftMask(soft.size),
  );
  const settled = settleContest(rivals);
  return {
    masks: objects.map(({ soft, given }, i) => (given === null ? settled.masks[i]! : soft)),
    contestedRatios: settled.contestedRatios,
    likeTouchRatios: likeTouchRatios(rivals, samples),
  };
}

/** Without small islands and holes; a given mask is answered as it came. */
function cleaned(
  objects: readonly TrackedObject[],
  masks: readonly Mask[],
  minArea: number,
): Mask[] {
  const clean = cleanMasks(masks, minArea);
  return objects.map(({ given }, i) => (given === null ? clean[i]! : masks[i]!));
}

/** A given mask is answered exactly, so the others yield to it; among given ones the lowest id wins. */
function givenMasksFirst(objects: readonly TrackedObject[], masks: readonly Mask[]): Mask[] {
  const out = [...masks];
  objects.forEach((object, i) => {
    const given = object.given;
    if (given === null) return;
    objects.forEach((other, j) => {
      if (j === i || (other.given !== null && j < i)) return;
      const mask = out[j];
      const winner = out[i];
      if (mask && winner) out[j] = without(mask, winner);
    });
  });
  return out;
}

function without(mask: Mask, taken: Mask): Mask {
  const a = mask.box;
  const b = taken.box;
  if (a === null || b === null) return mask;
  const bits = mask.bits.slice();
  for (let y = Math.max(a.y, b.y); y < Math.min(a.y + a.height, b.y + b.height); y++) {
    for (let x = Math.max(a.x, b.x); x < Math.min(a.x + a.width, b.x + b.width); x++) {
      if (taken.bits[(y - b.y) * b.width + x - b.x]) bits[(y - a.y) * a.width + x - a.x] = 0;
    }
  }
  return maskFromBitmap(bits, mask.size, a);
}
