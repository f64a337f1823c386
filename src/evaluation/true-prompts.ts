import type { Mask } from '../frame/mask.ts';
import { maskToBitmap } from '../frame/mask.ts';
import type { PlannedPrompt } from '../calls/planned-prompt.ts';
import { plannedPrompt } from '../calls/planned-prompt.ts';
import type { TrueMasks } from './clips.ts';
import { distancePeak } from './distance-peak.ts';

/** What the service is told of an object on the first frame that shows it. */
export const promptKinds = ['mask', 'box', 'point'] as const;

/** One of {@link promptKinds}. */
export type EvalPrompt = (typeof promptKinds)[number];

/** Prompts made from the first true mask of every object, frames in ascending order. */
export function promptsFromTruths(
  truths: ReadonlyMap<number, TrueMasks>,
  kind: EvalPrompt,
): PlannedPrompt[] {
  const prompts = new Map<number, PlannedPrompt>();
  for (const [frameIndex, { objects }] of truths) {
    for (const [objectId, mask] of objects) {
      if (prompts.has(objectId)) continue;
      prompts.set(objectId, plannedPrompt(objectId, frameIndex, { prompts: promptOf(mask, kind) }));
    }
  }
  return [...prompts.values()];
}

function promptOf(mask: Mask, kind: EvalPrompt): Partial<PlannedPrompt['prompts']> {
  switch (kind) {
    case 'mask':
      return { mask };
    case 'box':
      return { box: mask.box };
    case 'point': {
      const peak = distancePeak(maskToBitmap(mask), mask.size);
      return { points: peak === null ? [] : [{ ...peak, label: 'positive' }] };
    }
  }
}
