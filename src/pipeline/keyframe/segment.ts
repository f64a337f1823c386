import { assertNever } from '../../frame/errors.ts';
import type { Frame } from '../../frame/frame.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { DecodeRequest } from '../../frame/ports.ts';
import { memoryRequests, type KeyframeContext } from './encode.ts';
import { decodePasses, type ObjectAnswer, type Passes } from './pass.ts';
import type { KeyframeObject } from './plan.ts';
import { correctedPasses, promptedPasses } from './prompted-passes.ts';
import { recalledPasses } from './recalled-passes.ts';
import { hiddenPasses, trackedPasses } from './tracked-passes.ts';

/**
 * Runs the model on all objects of a keyframe, over each by the passes of its kind: all first passes
 * together, then all second ones, and so on.
 */
export async function segmentObjects(
  context: KeyframeContext,
  frame: Frame,
  objects: readonly KeyframeObject[],
): Promise<ObjectAnswer[]> {
  const { info } = context.segmenter;
  const passes = objects.map((object) =>
    passesOver(object, memoryRequests(object.record, context), info),
  );
  let turns = passes.map((object) => object.next());
  while (turns.some(({ done }) => !done)) {
    const mayFlip = context.mayFlip();
    const asked = turns.map((turn) =>
      turn.done || (turn.value?.flipped && !mayFlip) ? null : turn.value,
    );
    const results = await decodePasses(context, frame, asked);
    turns = turns.map((turn, i) => (turn.done ? turn : passes[i]!.next(results[i] ?? null)));
  }
  return turns.flatMap((turn) => (turn.done && turn.value !== null ? [turn.value] : []));
}

function passesOver(
  object: KeyframeObject,
  memory: DecodeRequest['memory'],
  info: ModelInfo,
): Passes {
  if (info.objectMemory) return recalledPasses(object, info);
  switch (object.kind) {
    case 'prompted':
      return promptedPasses(object, info);
    case 'corrected':
      return correctedPasses(object, memory, info);
    case 'tracked':
      return trackedPasses(object, memory, info);
    case 'hidden':
      return hiddenPasses(object, memory);
    default:
      return assertNever(object);
  }
}
