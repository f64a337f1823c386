import type { DescribedObject } from '../../src/formats/answered-frame.ts';

/** One answered frame, without pixels. */
export type FrameSummary = {
  readonly frameIndex: number;
  readonly timestampUs: number;
  readonly keyframe: boolean;
  readonly reason: string | null;
  readonly revision: number;
  readonly objects: readonly DescribedObject[];
};

/** Where the time of one live frame went, in milliseconds; they sum up to `totalMs`. */
export type FrameTimes = {
  /** From capture until it was encoded and handed to the socket. */
  readonly encodeMs: number;
  /** Both ways, the gateway, and the server's decoder. */
  readonly wayMs: number;
  /** In the server, from the decoded frame to the message. */
  readonly serverMs: number;
  /** Unpacking its masks and drawing it. */
  readonly drawMs: number;
  /** From capture until it was drawn. */
  readonly totalMs: number;
};

/** What the page shows of speed and loss. */
export type Statistics = {
  /** From capture to drawn masks, in milliseconds; null for files. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Medians of the parts of it; null for files. */
  readonly parts: Omit<FrameTimes, 'totalMs'> | null;
  readonly framesPerSecond: number;
  /** Median and 95th percentile of unpacking and drawing one frame, in milliseconds. */
  readonly drawP50Ms: number;
  readonly drawP95Ms: number;
  /** Frames that the page dropped before encoding, and the server after decoding. */
  readonly droppedHere: number;
  readonly droppedThere: number;
};

/** What is shown: the picture with masks over it, masks alone, or the objects alone. */
export type ViewMode = 'overlay' | 'mask' | 'cut-out';
