import { setTimeout as wait } from 'node:timers/promises';
import type {
  FrameMasks,
  SegmentationClient,
  StreamSummary,
  VideoConfig,
} from '../clients/typescript/index.ts';
import { MaskSource } from '../clients/typescript/index.ts';
import type { Box } from '../src/frame/geometry.ts';
import { cameraFrameRate, isRandomAccess } from './camera-clip.ts';

/** One answer of a live stream. */
export type LiveAnswer = {
  readonly frameIndex: number;
  readonly isKeyframe: boolean;
  /** From the moment a camera would have taken the picture to its masks here. */
  readonly latencyMs: number;
  readonly droppedBefore: number;
  readonly timings: NonNullable<FrameMasks['timings']>;
};

/** A finished live stream. */
export type LiveRun = {
  readonly answers: readonly LiveAnswer[];
  readonly summary: StreamSummary;
};

/**
 * Sends one piece a frame at the pace of a camera, in LATEST, with one box per object on the first
 * frame. Masks come encoded and are not unpacked: a client's own work is no part of the latency.
 */
export async function runLiveCamera(options: {
  readonly client: SegmentationClient;
  readonly pieces: readonly Buffer[];
  readonly boxes: readonly Box[];
  readonly keyframes?: VideoConfig['keyframes'];
  /** Called with every answer; unpacking its masks there would be counted as latency. */
  readonly onAnswer?: (masks: FrameMasks) => void;
  /** Before the first picture, so that cameras do not tick together. */
  readonly delayMs: number;
  readonly signal: AbortSignal;
}): Promise<LiveRun> {
  const { client, pieces, boxes, keyframes, signal } = options;
  await wait(options.delayMs, undefined, { signal });
  const config: VideoConfig = {
    container: 'mp4',
    delivery: 'latest',
    ...(keyframes === undefined ? {} : { keyframes }),
  };
  using stream = client.segmentVideo(config, { signal });
  const acks = boxes.map((box, index) =>
    stream.prompt({ objectId: index + 1, box, at: { frameIndex: 0 } }),
  );
  const answers: LiveAnswer[] = [];
  const receive = async () => {
    for await (const result of stream) {
      if (result.kind !== 'masks') continue;
      options.onAnswer?.(result.masks);
      const { frameIndex, source, framesDroppedBefore, timings, captureTimestampUs } = result.masks;
      if (timings === undefined || captureTimestampUs === undefined) {
        throw new Error(`frame ${frameIndex}: expected timings and its capture time`);
      }
      answers.push({
        frameIndex,
        isKeyframe: source === MaskSource.MASK_SOURCE_KEYFRAME,
        latencyMs: performance.now() - captureTimestampUs / 1000,
        droppedBefore: framesDroppedBefore,
        timings,
      });
    }
  };
  const send = async () => {
    const startedAtMs = performance.now();
    for (const [index, piece] of pieces.entries()) {
      const takenAtMs = startedAtMs + (index * 1000) / cameraFrameRate;
      const aheadMs = takenAtMs - performance.now();
      if (aheadMs > 0) await wait(aheadMs, undefined, { signal });
      const captureTimestampUs = Math.round(takenAtMs * 1000);
      await stream.sendChunk(piece, { captureTimestampUs, randomAccess: isRandomAccess(piece) });
    }
    stream.end();
  };
  await Promise.all([send(), receive(), ...acks]);
  return { answers, summary: await stream.summary };
}
