import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import type { Size } from '../frame/geometry.ts';
import type { PromptTarget, PromptUpdate } from '../frame/prompt.ts';
import type { ObjectRecord } from './prompts/object-record.ts';
import { maskBytes } from './prompts/pending-prompts.ts';
import {
  initialState,
  type FrameTask,
  type ProcessedFrame,
  type StreamState,
} from './frame-task.ts';

/** A processed frame that a correction may still name. */
export type RetainedFrame = {
  /** Owned. */
  readonly frame: Frame;
  /** Owned: dropped frames before it that a replay passes over again. */
  readonly bridge: readonly Frame[];
  /** State after the frame. */
  readonly state: StreamState;
  /** Updates that were applied on it; a replay applies them again. */
  readonly updates: readonly PromptUpdate[];
  readonly sizeChanged: boolean;
  readonly resumed: boolean;
  readonly framesDroppedBefore: number;
  readonly captureTimestampUs: number | null;
  readonly revision: number;
};

/** What is kept of a processed frame, besides pixels. */
export function heldAs(
  task: FrameTask,
  processed: ProcessedFrame,
): Omit<RetainedFrame, 'frame' | 'bridge'> {
  const { updates, sizeChanged, resumed, framesDroppedBefore, captureTimestampUs, revision } = task;
  const kept = { updates, sizeChanged, resumed, framesDroppedBefore, captureTimestampUs };
  return { ...kept, state: processed.state, revision };
}

/** Where a replay starts: the frame before it, which must be known to move masks from. */
export type ReplayStart = { readonly frame: Frame | null; readonly state: StreamState };

/** The newest processed frames of a stream, bounded in number and in bytes. */
export class RetainedFrames {
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  readonly #entries: RetainedFrame[] = [];
  #bytes = 0;

  constructor(limits: { readonly retainedFrames: number; readonly maxRetainedBytes: number }) {
    // One more than may be named: the frame before a corrected one.
    this.#maxFrames = limits.retainedFrames + 1;
    this.#maxBytes = limits.maxRetainedBytes;
  }

  /** Takes ownership of the entry's frame; the oldest ones leave when a bound is passed. */
  push(entry: RetainedFrame): void {
    this.#entries.push(entry);
    this.#bytes += bytesOf(entry);
    while (
      this.#entries.length > this.#maxFrames ||
      (this.#bytes > this.#maxBytes && this.#entries.length > 1)
    ) {
      this.#dropOldest();
    }
  }

  /** Replaces what is known of a held frame after a replay; the frame stays the same. */
  update(entry: RetainedFrame): void {
    const at = this.#entries.findIndex(({ frame }) => frame.index === entry.frame.index);
    const before = this.#entries[at];
    if (before === undefined) return;
    this.#bytes += bytesOf(entry) - bytesOf(before);
    this.#entries[at] = entry;
  }

  /** Held frames from `frameIndex` on, oldest first. */
  from(frameIndex: number): readonly RetainedFrame[] {
    return this.#entries.filter(({ frame }) => frame.index >= frameIndex);
  }

  /** Lets go of the frames before one: they cannot be gone back to any more. */
  forgetBefore(frameIndex: number): void {
    while (this.#entries.length > 0 && this.#entries[0]!.frame.index < frameIndex) {
      this.#dropOldest();
    }
  }

  /** States that a correction may go back to. */
  states(): StreamState[] {
    return this.#entries.map(({ state }) => state);
  }

  /** Newest processed frame; undefined before the first. */
  get newest(): RetainedFrame | undefined {
    return this.#entries.at(-1);
  }

  /** State and frame just before a held frame. */
  before(frameIndex: number): ReplayStart {
    const earlier = this.#entries.filter(({ frame }) => frame.index < frameIndex).at(-1);
    return earlier ?? { frame: null, state: initialState };
  }

  /** Whether a target lies at or before the newest processed frame. */
  isPast(target: PromptTarget): boolean {
    const newest = this.newest?.frame;
    if (!newest || target.kind === 'next') return false;
    return target.kind === 'frame'
      ? target.frameIndex <= newest.index
      : target.timestampUs <= newest.timestampUs;
  }

  /**
   * The held frame that a past target names. Throws `frame-not-held` naming the range, or
   * `frame-dropped` naming the nearest held frame.
   */
  resolve(target: Exclude<PromptTarget, { kind: 'next' }>): number {
    const correctable = this.#correctable();
    const found = this.#find(target);
    if (found) return found.frame.index;
    const first = correctable[0]?.frame.index;
    const last = correctable.at(-1)?.frame.index;
    const wanted =
      target.kind === 'frame'
        ? `frame ${target.frameIndex}`
        : `the frame at ${target.timestampUs} µs`;
    if (first === undefined || last === undefined) {
      throw new SegmentationError('frame-not-held', `no frame is held, got ${wanted}`);
    }
    if (target.kind === 'frame' && target.frameIndex >= first && target.frameIndex <= last) {
      const nearest = nearestIndex(correctable, target.frameIndex);
      throw new SegmentationError(
        'frame-dropped',
        `${wanted} was dropped; the nearest held frame is ${nearest}`,
      );
    }
    throw new SegmentationError(
      'frame-not-held',
      `frames ${first}..${last} are held, got ${wanted}`,
    );
  }

  /** Display size of the frame that a past target names; null where it is not held. */
  displayAt(target: PromptTarget): Size | null {
    if (target.kind === 'next') return null;
    return this.#find(target)?.frame.display ?? null;
  }

  /** Closes all frames; idempotent. */
  close(): void {
    while (this.#entries.length > 0) this.#dropOldest();
  }

  /** The oldest entry only serves as the frame before, unless the stream begins with it. */
  #correctable(): readonly RetainedFrame[] {
    const first = this.#entries[0];
    return first === undefined || first.frame.index === 0 ? this.#entries : this.#entries.slice(1);
  }

  #find(target: Exclude<PromptTarget, { kind: 'next' }>): RetainedFrame | undefined {
    return this.#correctable().findLast(({ frame }) =>
      target.kind === 'frame'
        ? frame.index === target.frameIndex
        : frame.timestampUs <= target.timestampUs,
    );
  }

  #dropOldest(): void {
    const oldest = this.#entries.shift();
    if (!oldest) return;
    this.#bytes -= bytesOf(oldest);
    for (const frame of [oldest.frame, ...oldest.bridge]) frame.close();
  }
}

/** Pixels, the masks that clients gave for the frame, and what its keyframe added to memories. */
function bytesOf({ frame, bridge, updates, state }: RetainedFrame): number {
  const pixels = [frame, ...bridge].reduce((sum, { data }) => sum + data.byteLength, 0);
  const given = updates.reduce((sum, update) => sum + maskBytes(update), 0);
  const isKeyframe = state.lastKeyframe?.frameIndex === frame.index;
  const added = isKeyframe ? [...state.records.values()].map(newestTraceBytes) : [];
  return added.reduce((sum, bytes) => sum + bytes, pixels + given);
}

/** An older trace is held by an earlier frame's state too, or was there before all of them. */
function newestTraceBytes({ objectMemory }: ObjectRecord): number {
  const newest = objectMemory?.traces.at(-1);
  return newest ? (newest.map?.byteLength ?? 0) + newest.pointer.byteLength : 0;
}

function nearestIndex(entries: readonly RetainedFrame[], frameIndex: number): number {
  let nearest = entries[0]?.frame.index ?? 0;
  for (const { frame } of entries) {
    if (Math.abs(frame.index - frameIndex) < Math.abs(nearest - frameIndex)) nearest = frame.index;
  }
  return nearest;
}
