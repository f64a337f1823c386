import type { Frame } from '../../frame/frame.ts';
import { wholePicture } from '../../frame/geometry.ts';
import { sharedRegion } from '../../frame/region-of-interest.ts';
import { modelMaskFromSoft } from '../../tracking/mask/model-mask.ts';
import type { SegmentedAction } from '../../tracking/tracker-types.ts';
import { encodeInto, type KeyframeContext } from './encode.ts';
import type { KeyframeMasks } from './memory.ts';
import { maskIn } from './pass.ts';
import type { KeyframeObject } from './plan.ts';

/** What a keyframe found, and what it was asked. */
export type FoundObjects = {
  readonly found: KeyframeMasks;
  readonly objects: readonly KeyframeObject[];
  readonly actions: readonly SegmentedAction[];
};

/**
 * What is remembered of objects that clicks alone named. Their masks come from a crop that shows little
 * else, and whoever remembers only that takes the next thing beside the object for a part of it. So they
 * are remembered as a box is, in the region of interest, for one more encoder run on the prompt's frame:
 * 16 of 16 objects behind a wall found again instead of 8, no false frame instead of 250. The whole
 * picture, which has been encoded already, costs fast film two points
 * (docs/experiments/2026-11-30-what-a-click-leaves.md).
 *
 * @returns what was found, with other regions for these objects
 */
export async function rememberClicked(
  context: KeyframeContext,
  frame: Frame,
  { found, objects, actions }: FoundObjects,
): Promise<KeyframeMasks> {
  const { maskSide, memorySlots, tracking } = context.segmenter.info;
  if (memorySlots === 0 || tracking.regionScale === null) return found;
  const clicked = new Set(objects.filter(isClicked).map(({ record }) => record.objectId));
  const inCrops = actions.flatMap(({ objectId, logits, region, predictedIou }) => {
    if (!clicked.has(objectId) || !found.has(objectId) || region === wholePicture) return [];
    const { soft, box } = maskIn(region, logits, frame.analysis);
    return box === null ? [] : [{ objectId, soft, box, predictedIou }];
  });
  if (inCrops.length === 0) return found;
  const boxes = inCrops.map(({ box }) => box);
  const region = sharedRegion(boxes, tracking.regionScale);
  await encodeInto(context, frame, region);
  const again = inCrops.map(({ objectId, soft, predictedIou }) => {
    const mask = modelMaskFromSoft(soft, maskSide, region);
    return [objectId, { region, mask, predictedIou }] as const;
  });
  return new Map([...found, ...again]);
}

function isClicked(object: KeyframeObject): boolean {
  return object.kind === 'prompted' && object.prompt.box === null;
}
