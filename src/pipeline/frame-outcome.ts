import { observeObject, type ObjectRecords } from './prompts/object-record.ts';
import type { KeyframeReason } from '../frame/prompt.ts';
import type { DeliveredObject } from '../tracking/delivery-types.ts';
import type { FrameTask, StreamState } from './frame-task.ts';
import type { FrameResult, ObjectResult } from './session-types.ts';

/** The records after a frame: an object with pixels was seen, one without was not. */
export function observeOutputs(
  records: ObjectRecords,
  outputs: readonly DeliveredObject[],
  frame: {
    readonly timestampUs: number;
    readonly lostAfterUs: number;
  },
): ObjectRecords {
  const { timestampUs, lostAfterUs } = frame;
  const next = new Map(records);
  for (const { objectId, area } of outputs) {
    const record = next.get(objectId);
    if (!record) continue;
    const seen = { visible: area > 0, timestampUs };
    next.set(objectId, observeObject(record, seen, lostAfterUs));
  }
  return next;
}

/** Where a frame's masks come from; `answered`: why the model ran on this very frame, if it did. */
export function sourceOf(
  answered: KeyframeReason | null,
  { resumed }: FrameTask,
  { sourceKeyframe: keyframeIndex }: StreamState,
): Pick<FrameResult, 'source' | 'keyframeIndex' | 'keyframeReason'> {
  if (answered === null) return { source: 'propagated', keyframeIndex, keyframeReason: null };
  // A resumed stream begins with prompts that nobody sent.
  return { source: 'keyframe', keyframeIndex, keyframeReason: resumed ? 'resume' : answered };
}

/** The tracker's outputs with what the records know of each object. */
export function objectResults(
  outputs: readonly DeliveredObject[],
  records: ObjectRecords,
): ObjectResult[] {
  return outputs.flatMap((output) => {
    const record = records.get(output.objectId);
    if (!record) return [];
    const { objectId, box, area, mask, predictedIou, confidence, presence } = output;
    const { label, state } = record;
    return [{ objectId, label, state, box, area, mask, predictedIou, confidence, presence }];
  });
}
