import type { FrameDecision, FrameEvidence } from './keyframe/policy.ts';
import { observeObject, type ObjectRecord } from './prompts/object-record.ts';
import { decodeCocoRle } from '../frame/coco-rle.ts';
import { emptyMask, type Mask } from '../frame/mask.ts';
import type { DeliveredMask, DeliveredObject } from '../tracking/delivery-types.ts';
import type { StepEvidence } from '../tracking/tracker-types.ts';
import type { FrameTask, StreamState } from './frame-task.ts';
import type { FrameResult, ObjectResult } from './session-types.ts';

/** Fall of confidence since the keyframe that another keyframe may give back. */
const clearDrop = 0.1;

type Records = ReadonlyMap<number, ObjectRecord>;

/** What the decision for a frame rests on, out of its task, its motion and what came before. */
export function frameEvidence(
  task: FrameTask,
  evidence: StepEvidence,
  { state, prompted }: { readonly state: StreamState; readonly prompted: boolean },
): FrameEvidence {
  const visible = evidence.objects.filter((object) => object.visible);
  const trusted = visible.filter(({ missing }) => !missing);
  const fallen = trusted.filter(({ confidenceDrop }) => confidenceDrop >= clearDrop);
  const missing = evidence.objects.filter((object) => {
    const record = state.records.get(object.objectId);
    return object.missing && record !== undefined && record.state !== 'pending';
  });
  return {
    frameIndex: task.frame.index,
    prompted,
    sizeChanged: task.sizeChanged,
    resumed: task.resumed,
    firstPromptFrame: state.firstPromptFrame,
    lastKeyframe: state.lastKeyframe,
    trackedObjects: trusted.length,
    missingObjects: missing.length,
    redetection: strongestTrigger(missing),
    sceneCut: evidence.sceneCut,
    lowestConfidence: Math.min(1, ...fallen.map((object) => object.confidence)),
    largestLossSum: Math.max(0, ...trusted.map((object) => object.lossSum)),
  };
}

function strongestTrigger(objects: StepEvidence['objects']): FrameEvidence['redetection'] {
  if (objects.some(({ redetection }) => redetection === 'urgent')) return 'urgent';
  return objects.some(({ redetection }) => redetection === 'due') ? 'due' : 'none';
}

/** The records after a frame: an object with pixels was seen, one without was not. */
export function observeOutputs(
  records: Records,
  outputs: readonly DeliveredObject[],
  frame: {
    readonly timestampUs: number;
    readonly lostAfterUs: number;
  },
): Records {
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

/** Where a frame's masks come from; `course` is `segment` only if its own result is in them. */
export function sourceOf(
  course: FrameDecision,
  { resumed }: FrameTask,
  { sourceKeyframe: keyframeIndex }: StreamState,
): Pick<FrameResult, 'source' | 'keyframeIndex' | 'keyframeReason'> {
  if (course.kind === 'propagate') {
    return { source: 'propagated', keyframeIndex, keyframeReason: null };
  }
  // A resumed stream begins with prompts that nobody sent.
  return { source: 'keyframe', keyframeIndex, keyframeReason: resumed ? 'resume' : course.reason };
}

/** The tracker's outputs with what the records know of each object. */
export function objectResults(
  outputs: readonly DeliveredObject[],
  records: Records,
): ObjectResult[] {
  return outputs.flatMap((output) => {
    const record = records.get(output.objectId);
    if (!record) return [];
    const { objectId, box, area, delivered, predictedIou, confidence } = output;
    const { label, state } = record;
    const result = { objectId, label, state, box, area, predictedIou, confidence };
    return [withMask(result, delivered)];
  });
}

/** Run lengths become pixels only where somebody asks for them. */
function withMask(
  result: Omit<ObjectResult, 'mask' | 'cocoRle'>,
  delivered: DeliveredMask,
): ObjectResult {
  if (delivered.form === 'pixels') return { ...result, mask: delivered.mask };
  const { size, counts } = delivered;
  let pixels: Mask | null = null;
  return {
    ...result,
    get mask() {
      return (pixels ??= counts === null ? emptyMask(size) : decodeCocoRle(counts, size));
    },
    cocoRle: { size, counts },
  };
}
