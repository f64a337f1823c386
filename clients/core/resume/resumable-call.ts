import type { Notice } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { CallEnd, OpenVideoCall, VideoCall, VideoCallEvents } from '../video-call.ts';
import type { BackOff, Clock } from './back-off.ts';

/** How a stream goes on after its call broke; everything has a default but the servers. */
export type ResumingCallOptions = {
  /** Ways to the servers, tried in turn. One that leads to several, as a proxy does, may stand twice. */
  readonly servers: readonly OpenVideoCall[];
  /** Default: true; false makes it one call that ends with its first end. */
  readonly resumes?: boolean;
  /** Video that is kept, in bytes. Default: 8 MiB, twenty seconds of 3 Mbit/s. */
  readonly maxKeptBytes?: number;
  /** Pauses between attempts. Default: 100 ms to 5 s. */
  readonly backOff?: BackOff;
  /** Time without an answered frame after which the stream ends with what its call ended. Default: 60 s. */
  readonly giveUpAfterMs?: number;
  /**
   * Whether the stream waits for `goOn` after this end of a call, instead of ending or going on by
   * itself. Default: never.
   */
  readonly suspends?: (end: CallEnd, state: { readonly isResuming: boolean }) => boolean;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** 0..1. Default: `Math.random`. */
  readonly random?: () => number;
};

/** How a stream went on. */
export type Resumed = {
  /** Frames that are never answered because their bytes were lost; null: not known. */
  readonly gapFrames: number | null;
  /** Time between the end of one call and the first frame of the next, in milliseconds. */
  readonly awayMs: number;
};

/** What a resuming call tells besides what every call does. */
export type ResumingCallEvents = VideoCallEvents & {
  /** The call broke, or its server is going away; another one is looked for. */
  readonly onInterrupted?: (why: CallEnd | Notice) => void;
  /** The call ended, and nobody is asked until `goOn`. */
  readonly onSuspended?: () => void;
  /** The first frame after an interruption is about to be handed over. */
  readonly onResumed?: (resumed: Resumed) => void;
};

/** A call that outlives its server. */
export type ResumableCall = VideoCall & {
  /**
   * Nothing of the video is kept: its owner sends it again from its start when `rewind` is called, and
   * what it sends between an interruption and that is ignored. To be said before any video is sent.
   */
  rewindBy(rewind: () => void): void;
  /** Opens the next call of a stream that is suspended; of any other it does nothing. */
  goOn(): void;
};
