import { assertNever } from '../../frame/errors.ts';
import type { Frame } from '../../frame/frame.ts';
import type { SegmentedAction } from '../../tracking/tracker-types.ts';
import type { KeyframeContext } from './encode.ts';
import { decodePasses, type Passes } from './pass.ts';
import type { KeyframeObject } from './plan.ts';
import { correctedPasses, promptedPasses } from './prompted-passes.ts';
import { hiddenPasses, trackedPasses } from './tracked-passes.ts';

/**
 * Runs the model on all objects of a keyframe, over each by the passes of its kind: all first passes
 * together, then all second ones, and so on.
 */
export async function segmentObjects(
  context: KeyframeContext,
  frame: Frame,
  objects: readonly KeyframeObject[],
): Promise<SegmentedAction[]> {
  const passes = objects.map((object) => passesOver(object, context, frame));
  let turns = passes.map((object) => object.next());
  while (turns.some(({ done }) => !done)) {
    const asked = turns.map((turn) => (turn.done ? null : turn.value));
    const results = await decodePasses(context, frame, asked);
    turns = turns.map((turn, i) => (turn.done ? turn : passes[i]!.next(results[i] ?? null)));
  }
  return turns.flatMap((turn) => (turn.done && turn.value !== null ? [turn.value] : []));
}

function passesOver(object: KeyframeObject, context: KeyframeContext, frame: Frame): Passes {
  switch (object.kind) {
    case 'prompted':
      return promptedPasses(object, context, frame);
    case 'corrected':
      return correctedPasses(object, context, frame);
    case 'tracked':
      return trackedPasses(object, context);
    case 'hidden':
      return hiddenPasses(object, context);
    default:
      return assertNever(object);
  }
}
