import { maskRunLengths } from '../../frame/delivered-mask.ts';
import { runLengthsOf, type RunLengthMask } from '../../frame/coco-rle.ts';
import { emptyMask } from '../../frame/mask.ts';
import type { ObjectState, PromptAction, PromptUpdate } from '../../frame/prompt.ts';
import type { ObjectResult, ResumeObject, ResumeState } from '../session-types.ts';

/** Request id of the updates that a resumed stream makes for itself; never acknowledged. */
const resumeRequestId = -1;

/** "It is not here", whatever the size of the picture: the tracker scales it. */
const noPixels: RunLengthMask = runLengthsOf(emptyMask({ width: 1, height: 1 }));

/** An update that a resumed stream makes for itself, with what the object was before. */
export type ResumeUpdate = PromptUpdate & { readonly state: ObjectState };

/**
 * The objects of a resumed stream on the frame that their masks belong to, as if the client had drawn
 * them; those without a mask are said not to be there.
 *
 * @param known objects that an earlier frame showed, see {@link referenceUpdates}
 */
export function resumeUpdates(
  { objects }: ResumeState,
  known: ReadonlySet<number>,
): ResumeUpdate[] {
  return objects.map((object) =>
    resumeUpdate(object, known.has(object.objectId) ? 'refine' : 'add', object.mask ?? noPixels),
  );
}

/** The objects of a resumed stream that are to be recognised from one of its earlier frames. */
export function referenceUpdates({ objects }: ResumeState, frameIndex: number): ResumeUpdate[] {
  return objects.flatMap((object) => {
    const { reference } = object;
    if (reference === null || reference.frameIndex !== frameIndex) return [];
    return [resumeUpdate(object, 'add', reference.mask)];
  });
}

function resumeUpdate(
  { objectId, label, state }: ResumeObject,
  action: PromptAction,
  mask: RunLengthMask,
): ResumeUpdate {
  return {
    requestId: resumeRequestId,
    objectId,
    action,
    at: { kind: 'next' },
    // Not the picture's size where the client asked for smaller masks: the tracker scales it.
    prompts: { points: [], box: null, mask },
    text: null,
    label,
    state,
  };
}

/** Whether nobody sent this update, so that nobody waits for an answer to it. */
export function isResumeUpdate(update: PromptUpdate): update is ResumeUpdate {
  return update.requestId === resumeRequestId;
}

/** What a stream on another server goes on from: all objects, as the newest frame has them. */
export function resumeState(
  objects: readonly ObjectResult[],
  { removedObjectIds, searches }: Pick<ResumeState, 'removedObjectIds' | 'searches'>,
): ResumeState {
  return {
    objects: objects.map(({ objectId, label, state, mask }) => ({
      objectId,
      label,
      state,
      mask: maskRunLengths(mask),
      reference: null,
    })),
    removedObjectIds,
    searches,
    at: { kind: 'next' },
  };
}
