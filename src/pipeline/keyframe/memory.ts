import type { Box } from '../../frame/geometry.ts';
import type { ModelInfo } from '../../frame/model.ts';
import {
  rememberCorrection,
  rememberKeyframe,
  type ObjectRecords,
} from '../prompts/object-record.ts';
import type { SegmentedAction } from '../../tracking/tracker-types.ts';
import type { ObjectMemory } from '../../frame/ports.ts';
import type { ObjectAnswer } from './pass.ts';
import { probabilitiesOf } from './probabilities.ts';

/** Masks that a keyframe leaves to remember, by object, with the IoU that is expected of each. */
export type KeyframeMasks = ReadonlyMap<
  number,
  {
    /** The part of the picture that was encoded, in fractions of it. */
    readonly region: Box;
    /** float32[maskSide, maskSide] of the region, probabilities. */
    readonly mask: Float32Array;
    readonly predictedIou: number;
  }
>;

/**
 * The masks that the decoder found.
 *
 * @param mistaken objects for which it took something else: nothing to remember
 */
export function segmentedMasks(
  actions: readonly SegmentedAction[],
  mistaken: readonly number[] = [],
): KeyframeMasks {
  const found = actions.filter(({ hidden, objectId }) => !hidden && !mistaken.includes(objectId));
  return new Map(
    found.map(({ objectId, logits, predictedIou, region }) => [
      objectId,
      { mask: probabilitiesOf(logits), predictedIou, region },
    ]),
  );
}

/**
 * The memories that a model keeps of its objects after a keyframe, also of those that it says are
 * not there.
 *
 * @param mistaken objects for which it took something else: they keep the memory before it
 */
export function objectMemories(
  answers: readonly ObjectAnswer[],
  mistaken: readonly number[] = [],
): ReadonlyMap<number, ObjectMemory> {
  return new Map(
    answers.flatMap(({ action: { objectId }, objectMemory }) =>
      objectMemory === null || mistaken.includes(objectId) ? [] : [[objectId, objectMemory]],
    ),
  );
}

/** The records after a keyframe's masks entered their objects' memories, where good enough. */
export function rememberMasks(
  records: ObjectRecords,
  keyframe: {
    readonly frameIndex: number;
    readonly timestampUs: number;
    readonly masks: KeyframeMasks;
    /** Objects that were prompted on this frame. */
    readonly asked: ReadonlySet<number>;
    /** What a model with a memory of its own keeps. Default: nothing. */
    readonly objectMemories?: ReadonlyMap<number, ObjectMemory>;
  },
  model: ModelInfo,
): ObjectRecords {
  const { memorySlots, tracking } = model;
  const { frameIndex, timestampUs } = keyframe;
  if (model.objectMemory) return withObjectMemories(records, keyframe.objectMemories);
  if (memorySlots === 0) return records;
  const next = new Map(records);
  for (const [objectId, { mask, region, predictedIou }] of keyframe.masks) {
    const record = next.get(objectId);
    if (!record) continue;
    const entry = { frameIndex, timestampUs, region, mask };
    const rule = { memorySlots, ...tracking };
    const asked = keyframe.asked.has(objectId);
    if (record.promptMemory === null || record.promptMemory.frameIndex === entry.frameIndex) {
      next.set(objectId, { ...record, promptMemory: entry });
    } else if (asked) {
      next.set(objectId, rememberCorrection(record, entry, rule));
    } else {
      next.set(objectId, rememberKeyframe(record, entry, predictedIou, rule));
    }
  }
  return next;
}

function withObjectMemories(
  records: ObjectRecords,
  memories: ReadonlyMap<number, ObjectMemory> = new Map(),
): ObjectRecords {
  const next = new Map(records);
  for (const [objectId, objectMemory] of memories) {
    const record = next.get(objectId);
    if (record) next.set(objectId, { ...record, objectMemory });
  }
  return next;
}
