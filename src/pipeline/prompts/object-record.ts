import type { Box } from '../../frame/geometry.ts';
import type { ObjectMemory } from '../../frame/ports.ts';
import type { Click, ObjectState } from '../../frame/prompt.ts';
import { usualFrames } from '../../frame/slow-film.ts';

/** An entry of an object's memory bank, an earlier frame that the model may compare with: whose features, and the object's mask there. */
export type MemoryEntry = {
  readonly frameIndex: number;
  readonly timestampUs: number;
  /** The part of the picture that was encoded, in fractions of it. */
  readonly region: Box;
  /** float32[maskSide, maskSide] of the region, probabilities. */
  readonly mask: Float32Array;
};

/** What is remembered of one object. Immutable, so that a correction can go back to any frame. */
export type ObjectRecord = {
  readonly objectId: number;
  readonly label: string | null;
  readonly state: ObjectState;
  /** The frame that the newest prompts belong to, and those prompts; display pixels. */
  readonly prompt: {
    readonly frameIndex: number;
    readonly clicks: readonly Click[];
    readonly box: Box | null;
  };
  /** The prompt frame; null until the model has seen it. */
  readonly promptMemory: MemoryEntry | null;
  /** Good keyframes since, newest last. */
  readonly recentMemory: readonly MemoryEntry[];
  /** What a model with a memory of its own keeps of the object; null: nothing (yet). */
  readonly objectMemory: ObjectMemory | null;
  /** Time of the last frame with a mask, in microseconds. */
  readonly lastSeenUs: number;
};

/** The records of a stream's live objects, by id. */
export type ObjectRecords = ReadonlyMap<number, ObjectRecord>;

/** The record of an object that has just been named. */
export function newObjectRecord(
  objectId: number,
  label: string | null,
  at: { readonly frameIndex: number; readonly timestampUs: number },
): ObjectRecord {
  return {
    objectId,
    label,
    state: 'pending',
    prompt: { frameIndex: at.frameIndex, clicks: [], box: null },
    promptMemory: null,
    recentMemory: [],
    objectMemory: null,
    lastSeenUs: at.timestampUs,
  };
}

/** The record after a frame on which the object had a mask, or had none. */
export function observeObject(
  record: ObjectRecord,
  seen: { readonly visible: boolean; readonly timestampUs: number },
  lostAfterUs: number,
): ObjectRecord {
  if (seen.visible) {
    return { ...record, state: 'visible', lastSeenUs: seen.timestampUs };
  }
  if (record.state === 'pending') return record;
  const lost = seen.timestampUs - record.lastSeenUs >= lostAfterUs;
  return { ...record, state: lost ? 'lost' : 'occluded' };
}

/** When a keyframe may enter an object's memory; see `ModelInfo.tracking`. */
export type MemoryRule = {
  readonly memorySlots: number;
  readonly memoryIntervalFrames: number;
  readonly minMemoryIou: number;
};

/**
 * The record after a good keyframe entered its memory. A memory one frame old copies its own errors
 * (every-frame J 0.69 against 0.78 with one replaced every 5 frames), so a young one stays. Its age
 * goes with time: an object on slow film has changed more from one frame to the next.
 */
export function rememberKeyframe(
  record: ObjectRecord,
  entry: MemoryEntry,
  predictedIou: number,
  rule: MemoryRule,
): ObjectRecord {
  const newest = record.recentMemory.at(-1) ?? record.promptMemory;
  const young = newest !== null && ageOf(newest, entry) < rule.memoryIntervalFrames;
  return young || predictedIou < rule.minMemoryIou ? record : withRecent(record, entry, rule);
}

/**
 * The record after a correction on another frame than its prompt's: the newest keyframe in memory,
 * however young the one before it. The prompt's own frame stays, since a correction mends what
 * propagation made of it (held-out clips, one click on the worst frame: J of the frames after it
 * 0.828, and 0.825 where the corrected frame took the prompt's place). A correction that leaves
 * nothing is not remembered: the object could never be found again.
 */
export function rememberCorrection(
  record: ObjectRecord,
  entry: MemoryEntry,
  rule: MemoryRule,
): ObjectRecord {
  const leavesSome = entry.mask.some((probability) => probability >= 0.5);
  return leavesSome ? withRecent(record, entry, rule) : record;
}

/** Of an entry when another comes, in frames of usual film. */
function ageOf(entry: MemoryEntry, now: MemoryEntry): number {
  return usualFrames(now.frameIndex - entry.frameIndex, now.timestampUs - entry.timestampUs);
}

/** The oldest of the recent keyframes makes room; all slots but one are theirs. */
function withRecent(
  record: ObjectRecord,
  entry: MemoryEntry,
  { memorySlots }: MemoryRule,
): ObjectRecord {
  if (memorySlots < 2) return record;
  return { ...record, recentMemory: [...record.recentMemory, entry].slice(1 - memorySlots) };
}

/** All earlier frames that the model is shown for an object, prompt frame first. */
export function memoryOf(record: ObjectRecord): readonly MemoryEntry[] {
  return record.promptMemory === null
    ? record.recentMemory
    : [record.promptMemory, ...record.recentMemory];
}
