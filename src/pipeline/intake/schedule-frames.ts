import type { Frame } from '../../frame/frame.ts';
import { sameSize } from '../../frame/geometry.ts';
import type { DecodeEvent, VideoFormat } from '../../frame/ports.ts';
import { bridgeFrames } from './bridge-frames.ts';

/** A decoded frame with what is known at its turn. */
export type ScheduledFrame = {
  readonly kind: 'frame';
  /** Owned by whoever takes the item. */
  readonly frame: Frame;
  /** The format that begins with this frame, or with a dropped one before it; null: as before. */
  readonly format: VideoFormat | null;
  /** Time of the frame after it, where a waiting prompt needs it; infinite at the end. */
  readonly nextTimestampUs: number | null;
  readonly framesDroppedBefore: number;
  /** Some of those dropped before it, oldest first, that flow passes over; owned as `frame` is. */
  readonly bridge: readonly Frame[];
  readonly captureTimestampUs: number | null;
  /** The video ends early, after this frame. Only where the frame waited until the end. */
  readonly truncated: string | null;
  /** Frames before it that a resumed stream goes on from, in order; owned as `frame`. */
  readonly resumedFrom: readonly ResumedFrame[];
};

/** A frame of a resumed stream that is not answered. */
export type ResumedFrame = {
  readonly item: ScheduledFrame;
  /** The resume state's masks belong to it; else it only shows how objects look. */
  readonly holdsMasks: boolean;
};

/** What the session takes from the decoder, in order. */
export type ScheduledItem =
  | ScheduledFrame
  /** The video of a resumed stream ended before anything could be answered. */
  | { readonly kind: 'resume'; readonly resumedFrom: readonly ResumedFrame[] }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'truncated'; readonly message: string };

/** What scheduling asks of the session. */
export type ScheduleOptions = {
  /** A waiting prompt names a time after this frame: hold the frame until the next one is known. */
  readonly needsNextFrame: (frame: Frame) => boolean;
  /** The sender's clock for the next frame in order; null where it did not say. */
  readonly takeCaptureTimestamp: (position: number | null) => number | null;
  /** Called for every decoded frame, with those that its index says were skipped before it. */
  readonly onFrames: (count: number) => void;
};

/** Joins formats to their frames and looks one frame ahead where a prompt asks for it. */
export async function* scheduleFrames(
  events: AsyncIterable<DecodeEvent>,
  options: ScheduleOptions,
): AsyncGenerator<ScheduledItem, void, undefined> {
  let held: ScheduledFrame | null = null;
  // Decoded, and not yet in `held` or handed over: to be closed if nobody asks for more.
  let coming: Frame | null = null;
  let format: VideoFormat | null = null;
  let nextIndex = 0;
  try {
    for await (const event of events) {
      if (event.kind === 'format') {
        format = event.format;
        continue;
      }
      if (event.kind !== 'frame') {
        yield event;
        continue;
      }
      const skipped = event.frame.index - nextIndex;
      nextIndex = event.frame.index + 1;
      options.onFrames(skipped + 1);
      coming = event.frame;
      if (held !== null) {
        const item: ScheduledFrame = { ...held, nextTimestampUs: event.frame.timestampUs };
        held = null;
        yield item;
      }
      const next: ScheduledFrame = {
        kind: 'frame',
        frame: event.frame,
        format,
        nextTimestampUs: null,
        framesDroppedBefore: skipped,
        bridge: [],
        captureTimestampUs: options.takeCaptureTimestamp(event.position ?? null),
        truncated: null,
        resumedFrom: [],
      };
      coming = null;
      format = null;
      if (options.needsNextFrame(event.frame)) held = next;
      else yield next;
    }
    if (held !== null) {
      const item: ScheduledFrame = { ...held, nextTimestampUs: Number.POSITIVE_INFINITY };
      held = null;
      yield item;
    }
  } finally {
    held?.frame.close();
    coming?.close();
  }
}

/**
 * Gives a frame up for a newer one: it is counted, its format lives on, and its memory is freed
 * unless flow passes over it. A warning gives way to a frame; the early end of the video is never lost.
 */
export function conflateItems(older: ScheduledItem, newer: ScheduledItem): ScheduledItem {
  if (older.kind === 'warning' || older.kind === 'truncated') return newer;
  if (newer.kind === 'warning' || newer.kind === 'resume') return older;
  if (older.kind === 'resume') return older;
  if (newer.kind === 'truncated') return { ...older, truncated: newer.message };
  const framesDroppedBefore = newer.framesDroppedBefore + older.framesDroppedBefore + 1;
  return {
    ...newer,
    format: newer.format ?? older.format,
    framesDroppedBefore,
    bridge: bridgeOver(older, { ...newer, framesDroppedBefore }),
    resumedFrom: older.resumedFrom,
  };
}

/** Frees all frames of an item that is done with, or that nobody takes. */
export function discardItem(item: ScheduledItem): void {
  if (item.kind === 'warning' || item.kind === 'truncated') return;
  for (const { item: earlier } of item.resumedFrom) discardItem(earlier);
  if (item.kind === 'resume') return;
  for (const frame of [...item.bridge, item.frame]) frame.close();
}

/** Where the size changes there is no flow, and nothing to pass over. */
function bridgeOver(older: ScheduledFrame, newer: ScheduledFrame): readonly Frame[] {
  const { frame, framesDroppedBefore } = newer;
  const dropped = [...older.bridge, older.frame, ...newer.bridge];
  const isSame = (other: Frame): boolean =>
    sameSize(other.analysis, frame.analysis) && sameSize(other.display, frame.display);
  const usable = dropped.every(isSame);
  const from = frame.index - framesDroppedBefore - 1;
  const to = usable ? frame.index : Number.POSITIVE_INFINITY;
  return bridgeFrames(dropped, { from, to });
}
