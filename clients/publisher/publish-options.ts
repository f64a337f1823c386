import type { Readable } from 'node:stream';
import type { PlannedPrompt } from '../../src/calls/planned-prompt.ts';
import type { BackOff } from '../core/resume/back-off.ts';
import type { VideoConfig } from '../core/requests.ts';
import type { SegmentationClient } from '../typescript/index.ts';
import type { CameraEvent } from './camera/read-camera.ts';
import type { PublishedFrame, ServerEvent } from './camera/receive-answers.ts';

/** What happens to one input. */
export type PublishEvent =
  | CameraEvent
  | ServerEvent
  /** The server was too slow: so many pictures were left out, up to a random access point. */
  | { readonly kind: 'pictures-dropped'; readonly count: number };

/** One input, where it goes and what is followed there. */
export type PublishOptions = {
  /**
   * `rtsp://` or `rtsps://`, with name and password where it asks for them; a V4L2 device below `/dev`;
   * a file; or `-`, standard input.
   */
  readonly input: string;
  /** What `-` reads. Default: that of the process. */
  readonly stdin?: Readable;
  readonly client: SegmentationClient;
  /** Belong to the first picture of a stream. */
  readonly prompts: readonly PlannedPrompt[];
  /**
   * Default: COCO run lengths, the server's first model, and `latest` for cameras, `every-frame` for
   * files and pipes.
   */
  readonly config?: Partial<Omit<VideoConfig, 'container' | 'frameRate' | 'resume'>>;
  /** Frames a second. Default: what the camera says, or what it sends. */
  readonly frameRate?: number;
  /** Sends a file at its own pace, in place of as fast as the server takes it. Default: false. */
  readonly realtime?: boolean;
  /** How an RTSP camera's media come. Default: `tcp`. */
  readonly rtspTransport?: 'tcp' | 'udp';
  /** Encoded pictures that wait for the server, in bytes. Default: 8 MiB. */
  readonly maxBufferedBytes?: number;
  /** A camera that sends no picture for so long is connected again. Default: 10 000. */
  readonly silenceMs?: number;
  /** Time without camera or server after which it ends. Default: 60 000; Infinity: never. */
  readonly giveUpAfterMs?: number;
  /** Pauses between attempts. Default: 200 ms to 5 s. */
  readonly backOff?: BackOff;
  /** Every answered picture; the next one waits for it. */
  readonly onFrame: (frame: PublishedFrame) => Promise<void> | void;
  readonly onEvent?: (event: PublishEvent) => void;
  readonly signal?: AbortSignal;
};
