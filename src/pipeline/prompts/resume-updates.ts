import type { Size } from '../../frame/geometry.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import { resizeMask } from '../../tracking/object/render.ts';
import type { ResumeObject } from '../session-types.ts';

/** Request id of the updates that a resumed stream makes for itself; never acknowledged. */
const resumeRequestId = -1;

/** A resumed stream begins with its objects' last masks, as if the client had drawn them. */
export function resumeUpdates(objects: readonly ResumeObject[], display: Size): PromptUpdate[] {
  return objects.map(({ objectId, label, mask }) => ({
    requestId: resumeRequestId,
    objectId,
    action: 'add',
    at: { kind: 'next' },
    // The client may have asked for masks of another size than the picture's.
    prompts: { points: [], box: null, mask: resizeMask(mask, display) },
    text: null,
    label,
  }));
}

/** Whether nobody sent this update, so that nobody waits for an answer to it. */
export function isResumeUpdate({ requestId }: PromptUpdate): boolean {
  return requestId === resumeRequestId;
}

/** What a stream on another server goes on from: the objects that have a mask. */
export function resumeState(objects: readonly ResumeObject[]): ResumeObject[] {
  return objects.flatMap(({ objectId, label, mask }) =>
    mask.area === 0 ? [] : [{ objectId, label, mask }],
  );
}
