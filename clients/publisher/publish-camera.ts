import type { PlannedPrompt } from '../../src/calls/planned-prompt.ts';
import type { BackOff } from '../core/resume/back-off.ts';
import type { VideoConfig } from '../core/requests.ts';
import type { SegmentationClient } from '../typescript/index.ts';
import { type CameraEvent, readCamera } from './camera/read-camera.ts';
import {
  type PublishedFrame,
  type ServerEvent,
  streamToServer,
} from './camera/stream-to-server.ts';
import { UnitBuffer } from './camera/unit-buffer.ts';

/** What happens to one camera. */
export type PublishEvent =
  | CameraEvent
  | ServerEvent
  /** The server was too slow: so many pictures were left out, up to a random access point. */
  | { readonly kind: 'pictures-dropped'; readonly count: number };

/** One camera, where it goes and what is followed there. */
export type PublishOptions = {
  /** `rtsp://` or `rtsps://`, with name and password where it asks for them. */
  readonly input: string;
  readonly client: SegmentationClient;
  /** Belong to the first picture of a stream. */
  readonly prompts: readonly PlannedPrompt[];
  /** Default: `latest`, COCO run lengths, the server's first model. */
  readonly config?: Partial<Omit<VideoConfig, 'container' | 'frameRate' | 'resume'>>;
  /** Frames a second. Default: what the camera says, or what it sends. */
  readonly frameRate?: number;
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

const defaultMaxBufferedBytes = 8 * 1024 * 1024;
const defaultSilenceMs = 10_000;
const defaultGiveUpAfterMs = 60_000;
const defaultBackOff: BackOff = { firstMs: 200, mostMs: 5_000 };

/**
 * Sends a camera to a server, as the camera encodes it, until `signal` ends it. Rejects where camera or
 * server cannot be reached for `giveUpAfterMs`, or will not have it.
 */
export async function publishCamera(options: PublishOptions): Promise<void> {
  const { input, client, prompts, config, onFrame, onEvent = () => undefined } = options;
  const { signal: outer, giveUpAfterMs = defaultGiveUpAfterMs, backOff = defaultBackOff } = options;
  const failed = new AbortController();
  const signal = outer === undefined ? failed.signal : AbortSignal.any([outer, failed.signal]);
  const buffer = new UnitBuffer(options.maxBufferedBytes ?? defaultMaxBufferedBytes, (count) =>
    onEvent({ kind: 'pictures-dropped', count }),
  );
  const shared = { giveUpAfterMs, backOff, onEvent, signal };
  // The first to fail ends the other; which one it was says the reason.
  const guard = (work: Promise<void>) =>
    work.catch((reason: unknown) => {
      failed.abort(reason);
    });
  await Promise.all([
    guard(
      readCamera({
        ...shared,
        url: input,
        frameRate: options.frameRate ?? null,
        silenceMs: options.silenceMs ?? defaultSilenceMs,
        onUnit: (unit) => buffer.add(unit),
      }),
    ),
    guard(
      streamToServer({
        ...shared,
        client,
        prompts,
        config: { delivery: 'latest', ...config },
        buffer,
        onFrame,
      }),
    ),
  ]);
  if (outer?.aborted) return;
  if (failed.signal.aborted) throw failed.signal.reason;
}
