import { runLengthsOf } from '../../frame/coco-rle.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import type { ObjectResult, ResumeObject } from '../session-types.ts';

/** Request id of the updates that a resumed stream makes for itself; never acknowledged. */
const resumeRequestId = -1;

/** A resumed stream begins with its objects' last masks, as if the client had drawn them. */
export function resumeUpdates(objects: readonly ResumeObject[]): PromptUpdate[] {
  return objects.map(({ objectId, label, mask }) => ({
    requestId: resumeRequestId,
    objectId,
    action: 'add',
    at: { kind: 'next' },
    // Not the picture's size where the client asked for smaller masks: the tracker scales it.
    prompts: { points: [], box: null, mask },
    text: null,
    label,
  }));
}

/** Whether nobody sent this update, so that nobody waits for an answer to it. */
export function isResumeUpdate({ requestId }: PromptUpdate): boolean {
  return requestId === resumeRequestId;
}

/** What a stream on another server goes on from: the objects that have a mask. */
export function resumeState(objects: readonly ObjectResult[]): ResumeObject[] {
  return objects.flatMap(({ objectId, label, area, cocoRle, ...object }) => {
    if (area === 0) return [];
    const counts = cocoRle?.counts;
    const mask = cocoRle && counts ? { size: cocoRle.size, counts } : runLengthsOf(object.mask);
    return [{ objectId, label, mask }];
  });
}
