import { objectsOf } from './admission/object-ledger.ts';
import type { SessionLimits } from '../pipeline/session-types.ts';

/** What one server accepts; the part that concerns a client is stated in StreamInfo. */
export type ServerLimits = SessionLimits & {
  /** Largest request message in bytes. Default: 32 MiB, for a PNG of 4096 x 4096 or resume state. */
  readonly maxRequestBytes: number;
  /**
   * Unpacked bytes for each packed byte of a request, from 1 MiB on. Default: 100: pictures and run
   * lengths hardly pack, and what packs better than this is not worth its memory.
   */
  readonly maxUnpackRatio: number;
  /** Bytes of requests under way on one connection. Default: 64 MiB. */
  readonly maxConnectionBytes: number;
  /** Bytes of requests under way on all connections. Default: 512 MiB. */
  readonly maxReceivedBytes: number;
  /**
   * Time in which a request must be complete, besides what its bytes take at
   * `minRequestBytesPerSecond`. Default: 30 s.
   */
  readonly requestTimeoutMs: number;
  /** Default: 32 KiB, a quarter of a megabit a second. */
  readonly minRequestBytesPerSecond: number;
  /**
   * Connections at a time; the quietest gives way to a new one. Default: 256, fewer where the
   * process has few handles.
   */
  readonly maxConnections: number;
  /** Time without a call after which a connection is closed. Default: 10 minutes. */
  readonly connectionIdleMs: number;
  /** Largest response message in bytes. Default: 32 MiB. */
  readonly maxResponseBytes: number;
  /**
   * Elements of one request: numbers, fields, and 16 for each nested message. Default: 2^20, for
   * the outlines of 32 masks at 4K.
   */
  readonly maxRequestElements: number;
  /**
   * Pixels of the masks of one request together, and of those that one image is answered with.
   * Default: 32 x 4096 x 4096.
   */
  readonly maxRequestMaskPixels: number;
  /**
   * Messages of one stream that are taken in a second; more are held back. Default: 1000, thirty
   * times what a camera sends; all streams share the thread that reads them.
   */
  readonly maxMessagesPerSecond: number;
  /** Largest VideoChunk.data in bytes. Default: 1 MiB. */
  readonly maxChunkBytes: number;
  /** Largest display size of a video in pixels; the decoder must have the same. Default: 4096 x 2304. */
  readonly maxFramePixels: number;
  /** Largest mask in a prompt for an image, in pixels. Default: 12000 x 8000, as images are decoded. */
  readonly maxImagePixels: number;
  /** Streams and images at a time. Default: {@link defaultMaxStreams}. */
  readonly maxStreams: number;
  /**
   * Calls besides those at a time: health checks and watches, reflection. Beyond them a connection has
   * eight. Default: 1024.
   */
  readonly maxOtherCalls: number;
  /** Streams and images at a time of one name, where its token says nothing else. Default: no bound. */
  readonly maxStreamsPerClient: number | null;
  /** Predicted work of all streams in cores. Default: no bound: LATEST streams give way to each other. */
  readonly maxLoad: number | null;
  /** Pixels of all videos in a second. Default: no bound. */
  readonly maxPixelsPerSecond: number | null;
  /** As `maxLoad`, of one name, where its token says nothing else. Default: no bound. */
  readonly maxLoadPerClient: number | null;
  /** As `maxPixelsPerSecond`, of one name, where its token says nothing else. Default: no bound. */
  readonly maxPixelsPerSecondPerClient: number | null;
  /** Objects of all streams of one name, where its token says nothing else. Default: no bound. */
  readonly maxObjectsPerClient: number | null;
  /**
   * Time that a client is waited for without an answered frame, after which its stream gives its
   * place to another one, where all are taken. Default: 20 s.
   */
  readonly maxQuietMs: number;
  /** Response bytes that wait for one client before its stream waits for it. Default: 1 MiB. */
  readonly maxQueuedResponseBytes: number;
  /** Time in which a client must read something while an answer waits for it. Default: 5 minutes. */
  readonly readerTimeoutMs: number;
  /**
   * Time in which a client must send something or half-close. Default: 10 minutes: longer than
   * anybody looks at a paused video, but a client that forgot its call must not hold a place.
   */
  readonly idleTimeoutMs: number;
  /**
   * Time that a client is waited for, all waits together, without a second of answered video or a
   * corrected frame. Default: 10 minutes: a byte now and then holds no place for longer.
   */
  readonly stallTimeoutMs: number;
  /** Time in which what is queued must reach the client once its stream is over. Default: 10 s. */
  readonly flushTimeoutMs: number;
};

/** Streams and images that one server takes at a time, unless its owner says otherwise. */
export const defaultMaxStreams = 8;

const mebibyte = 1024 * 1024;

const defaultLimits: ServerLimits = {
  maxRequestBytes: 32 * mebibyte,
  maxUnpackRatio: 100,
  maxConnectionBytes: 64 * mebibyte,
  maxReceivedBytes: 512 * mebibyte,
  requestTimeoutMs: 30_000,
  minRequestBytesPerSecond: 32 * 1024,
  maxConnections: 256,
  connectionIdleMs: 600_000,
  maxResponseBytes: 32 * mebibyte,
  maxRequestElements: 1 << 20,
  maxRequestMaskPixels: 32 * 4096 * 4096,
  maxMessagesPerSecond: 1000,
  maxChunkBytes: mebibyte,
  maxFramePixels: 4096 * 2304,
  maxImagePixels: 12_000 * 8_000,
  maxStreams: defaultMaxStreams,
  maxOtherCalls: 1024,
  maxStreamsPerClient: null,
  maxLoad: null,
  maxPixelsPerSecond: null,
  maxLoadPerClient: null,
  maxPixelsPerSecondPerClient: null,
  maxObjectsPerClient: null,
  maxQuietMs: 20_000,
  maxQueuedResponseBytes: mebibyte,
  readerTimeoutMs: 300_000,
  idleTimeoutMs: 600_000,
  stallTimeoutMs: 600_000,
  flushTimeoutMs: 10_000,
  maxObjects: 32,
  // 32 objects of SAM 3 with four prompts each.
  maxObjectMemoryBytes: 256 * mebibyte,
  maxPoints: 64,
  maxPendingPrompts: 256,
  maxPendingBytes: 16 * mebibyte,
  // Ten hours at 30 frames a second.
  maxFramesAhead: 1 << 20,
  // Forty corrections of the oldest held frame, then one each second.
  maxReplayedFrames: 2400,
  replayedFramesPerSecond: 60,
  // Two seconds at 30 frames a second: long enough to see an error and click.
  retainedFrames: 60,
  maxRetainedBytes: 64 * mebibyte,
  lostAfterUs: 2_000_000,
};

/** Fills in the defaults; `undefined` counts as absent. */
export function resolveServerLimits(limits: Partial<ServerLimits> = {}): ServerLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}

/** The part that one session obeys. */
export function sessionLimits(limits: ServerLimits): SessionLimits {
  const { maxObjects, maxPoints, maxPendingPrompts, maxPendingBytes, maxFramesAhead } = limits;
  const { retainedFrames, maxRetainedBytes, maxObjectMemoryBytes, lostAfterUs } = limits;
  const { maxReplayedFrames, replayedFramesPerSecond } = limits;
  return {
    maxObjects,
    maxObjectMemoryBytes,
    maxPoints,
    maxPendingPrompts,
    maxPendingBytes,
    maxFramesAhead,
    retainedFrames,
    maxRetainedBytes,
    maxReplayedFrames,
    replayedFramesPerSecond,
    lostAfterUs,
  };
}

/** The limits of a call of `principal`: no stream has more objects than its name may have in all. */
export function limitsOf(
  principal: { readonly maxObjects: number | null },
  limits: ServerLimits,
): ServerLimits {
  const most = objectsOf(principal, limits);
  if (most === null || most >= limits.maxObjects) return limits;
  return { ...limits, maxObjects: most };
}
