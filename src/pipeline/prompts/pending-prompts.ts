import { SegmentationError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import type { ModelInfo } from '../../frame/model.ts';
import { fitPromptsToPicture } from '../../frame/prompt-bounds.ts';
import type { PromptKind, PromptUpdate } from '../../frame/prompt.ts';
import type { ResumeState, SessionLimits } from '../session-types.ts';
import type { ObjectRecords } from './object-record.ts';
import { openIds, type TextSearch } from './text-search.ts';

/** Position of a frame in the stream. */
type FramePosition = { readonly index: number; readonly timestampUs: number };

/**
 * The pending prompts of one stream, in the order in which they came: checks each against the objects
 * that the updates before it leave, and holds it until its frame is there.
 */
export class PendingPrompts {
  readonly #limits: SessionLimits;
  readonly #model: ModelInfo;
  /** Ids in use, by the updates so far. */
  readonly #alive = new Set<number>();
  /** Ids of standing searches that nothing has taken yet. */
  readonly #reserved = new Set<number>();
  /** Ids that were removed: never to be used again. */
  readonly #retired = new Set<number>();
  readonly #points = new Map<number, number>();
  /** Clicks that an object had before an update, for `undo`. */
  readonly #pointsBefore = new WeakMap<PromptUpdate, number>();
  #pending: PromptUpdate[] = [];
  #newestIndex = 0;

  constructor(model: ModelInfo, limits: SessionLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  /** Ids of a resumed stream: alive, held by its searches, and never to be used again. */
  adopt({ objects, searches, removedObjectIds }: ResumeState): void {
    for (const { objectId } of objects) this.#alive.add(objectId);
    for (const objectId of searches.flatMap(openIds)) this.#reserved.add(objectId);
    for (const objectId of removedObjectIds) this.#retired.add(objectId);
  }

  /** Objects that are alive by the updates so far, and ids that searches may fill. */
  get objectCount(): number {
    return this.#alive.size + this.#reserved.size;
  }

  /** Ids that were removed. */
  get removedObjectIds(): number[] {
    return [...this.#retired];
  }

  /**
   * Checks an update and, where it waits for its frame, holds it. Throws `unsupported-prompt`,
   * `duplicate-object`, `unknown-object`, `too-many-objects`, `too-many-prompts`, `invalid-prompt`.
   *
   * @param display size that its coordinates are checked against; null before the first frame
   * @param queued updates that wait in other queues and count against the same bounds
   */
  accept(
    update: PromptUpdate,
    display: Size | null,
    queued: readonly PromptUpdate[] = [],
  ): PromptUpdate {
    this.#checkKinds(update);
    this.#checkIds(update);
    const fitted =
      display === null
        ? update
        : { ...update, prompts: fitPromptsToPicture(update.prompts, display) };
    this.#checkPoints(update);
    this.#checkDistance(update);
    this.#checkRoom([...this.#pending, ...queued], update);
    this.#pointsBefore.set(update, this.#points.get(update.objectId) ?? 0);
    this.#pointsBefore.set(fitted, this.#points.get(update.objectId) ?? 0);
    this.#count(fitted);
    return fitted;
  }

  /** Holds an accepted update until its frame comes. */
  hold(update: PromptUpdate): void {
    this.#pending.push(update);
  }

  /**
   * An accepted update failed after all: the ids that it brought are free again, the one that it
   * removed lives on, and its clicks do not count.
   */
  undo(update: PromptUpdate): void {
    const { objectId, action } = update;
    if (action === 'add') {
      for (const id of idsOf(update)) this.#alive.delete(id);
    } else if (action === 'remove' && this.#retired.delete(objectId)) {
      this.#alive.add(objectId);
    }
    this.#points.set(objectId, this.#pointsBefore.get(update) ?? 0);
  }

  /** An update was applied to these objects; the other ids that it named stay unused. */
  settle(update: PromptUpdate, objectIds: readonly number[]): void {
    for (const objectId of idsOf(update)) {
      if (!objectIds.includes(objectId)) this.#alive.delete(objectId);
    }
  }

  /** Learns which ids standing searches hold after a frame, and which of those are objects now. */
  follow(searches: readonly TextSearch[], records: ObjectRecords): void {
    const open = new Set(searches.flatMap(openIds));
    for (const id of this.#reserved) {
      if (open.has(id)) continue;
      this.#reserved.delete(id);
      if (records.has(id)) this.#alive.add(id);
    }
    for (const id of open) {
      // A correction may have taken back what was found.
      this.#alive.delete(id);
      this.#reserved.add(id);
    }
  }

  /** Whether it takes the next frame's time to know if an update belongs to this frame. */
  needsNextFrame(frame: FramePosition): boolean {
    return this.#pending.some(
      ({ at }) => at.kind === 'timestamp' && at.timestampUs > frame.timestampUs,
    );
  }

  /**
   * Takes out the updates that belong to a frame.
   *
   * @param nextTimestampUs time of the frame after it; null at the end or where it is not needed
   */
  take(
    frame: FramePosition,
    nextTimestampUs: number | null,
  ): { readonly due: PromptUpdate[]; readonly missed: PromptUpdate[] } {
    this.#newestIndex = frame.index;
    const due: PromptUpdate[] = [];
    const missed: PromptUpdate[] = [];
    this.#pending = this.#pending.filter((update) => {
      const fate = fateOf(update, frame, nextTimestampUs);
      if (fate === 'due') due.push(update);
      if (fate === 'missed') missed.push(update);
      return fate === 'waits';
    });
    return { due, missed };
  }

  /** Takes out the updates that fit, in order. */
  takeWhere(fits: (update: PromptUpdate) => boolean): PromptUpdate[] {
    const taken = this.#pending.filter(fits);
    this.#pending = this.#pending.filter((update) => !taken.includes(update));
    return taken;
  }

  /** Takes out everything whose frame never came. */
  takeAll(): PromptUpdate[] {
    return this.#pending.splice(0);
  }

  #checkRoom(waiting: readonly PromptUpdate[], update: PromptUpdate): void {
    const { maxPendingPrompts, maxPendingBytes } = this.#limits;
    if (waiting.length >= maxPendingPrompts) {
      throw new SegmentationError(
        'too-many-prompts',
        `at most ${maxPendingPrompts} updates may wait for their frame`,
      );
    }
    const bytes = waiting.reduce((sum, one) => sum + maskBytes(one), maskBytes(update));
    if (bytes <= maxPendingBytes) return;
    throw new SegmentationError(
      'too-many-prompts',
      `masks that wait for their frame must have at most ${maxPendingBytes} bytes, got ${bytes}`,
    );
  }

  /** A prompt for a frame that cannot come in a day would wait as long as the stream lives. */
  #checkDistance({ at }: PromptUpdate): void {
    if (at.kind !== 'frame') return;
    const furthest = this.#newestIndex + this.#limits.maxFramesAhead;
    if (at.frameIndex <= furthest) return;
    throw new SegmentationError(
      'invalid-prompt',
      `frame_index must be at most ${furthest} now, got ${at.frameIndex}`,
    );
  }

  #checkKinds(update: PromptUpdate): void {
    const { points, box, mask } = update.prompts;
    const used: [PromptKind, boolean][] = [
      ['points', points.length > 0],
      ['box', box !== null],
      ['mask', mask !== null],
      ['text', update.text !== null],
    ];
    for (const [kind, present] of used) {
      if (!present || this.#model.promptKinds.includes(kind)) continue;
      const known = this.#model.promptKinds.join(', ');
      throw new SegmentationError(
        'unsupported-prompt',
        `model ${this.#model.name} takes ${known}, got ${kind}`,
      );
    }
  }

  #checkIds(update: PromptUpdate): void {
    const adding = update.action === 'add';
    for (const objectId of idsOf(update)) {
      const isOpen = this.#reserved.has(objectId) && ['add', 'remove'].includes(update.action);
      const taken = this.#alive.has(objectId) || isOpen || (adding && this.#retired.has(objectId));
      if (adding && taken) {
        throw new SegmentationError(
          'duplicate-object',
          `ADD needs an id that was never used, got ${objectId}`,
        );
      }
      if (!adding && !taken) {
        throw new SegmentationError(
          'unknown-object',
          `${update.action.toUpperCase()} needs a known object, got id ${objectId}`,
        );
      }
    }
    const alive = this.#alive.size + (adding ? idsOf(update).length : 0);
    if (alive > this.#limits.maxObjects) {
      throw new SegmentationError(
        'too-many-objects',
        `at most ${this.#limits.maxObjects} objects may be alive, got ${alive}`,
      );
    }
  }

  #checkPoints(update: PromptUpdate): void {
    const before = update.action === 'refine' ? (this.#points.get(update.objectId) ?? 0) : 0;
    const points = before + update.prompts.points.length;
    if (points <= this.#limits.maxPoints) return;
    throw new SegmentationError(
      'invalid-prompt',
      `at most ${this.#limits.maxPoints} clicks are kept for one object, got ${points}`,
    );
  }

  #count(update: PromptUpdate): void {
    if (update.action === 'add') for (const id of idsOf(update)) this.#alive.add(id);
    if (update.action === 'remove') {
      // The id of a search that ends is free again, as no object had it.
      if (this.#reserved.has(update.objectId)) return;
      this.#alive.delete(update.objectId);
      this.#retired.add(update.objectId);
      this.#points.delete(update.objectId);
      return;
    }
    const before = update.action === 'refine' ? (this.#points.get(update.objectId) ?? 0) : 0;
    this.#points.set(update.objectId, before + update.prompts.points.length);
  }
}

/** Bytes that an update holds as long as it waits; all else in it is bounded by `maxPoints`. */
export function maskBytes({ prompts }: PromptUpdate): number {
  return prompts.mask?.counts.byteLength ?? 0;
}

/** The ids that an update names: one, or the range of a phrase. */
function idsOf(update: PromptUpdate): number[] {
  if (update.text === null) return [update.objectId];
  const { firstObjectId, maxObjects } = update.text;
  return Array.from({ length: maxObjects }, (_, i) => firstObjectId + i);
}

function fateOf(
  update: PromptUpdate,
  frame: FramePosition,
  nextTimestampUs: number | null,
): 'due' | 'missed' | 'waits' {
  const { at } = update;
  switch (at.kind) {
    case 'next':
      return 'due';
    case 'frame':
      if (at.frameIndex === frame.index) return 'due';
      return at.frameIndex < frame.index ? 'missed' : 'waits';
    case 'timestamp':
      if (at.timestampUs < frame.timestampUs) return 'missed';
      if (at.timestampUs === frame.timestampUs) return 'due';
      return nextTimestampUs !== null && at.timestampUs < nextTimestampUs ? 'due' : 'waits';
  }
}
