import { setTimeout as wait } from 'node:timers/promises';
import type {
  FrameMasks,
  SegmentationClient,
  StreamSummary,
  VideoConfig,
} from '../../clients/typescript/index.ts';
import type { Box } from '../../src/frame/geometry.ts';
import { cameraFrameRate, isRandomAccess } from './camera-clip.ts';

/** One answer of a live stream. */
export type LiveAnswer = {
  readonly frameIndex: number;
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

/** What one camera shows, and what is asked of it. */
export type LiveCamera = {
  /** One a frame. */
  readonly pieces: readonly Buffer[];
  readonly boxes: readonly Box[];
  readonly keyframes?: VideoConfig['keyframes'];
  /** Called with every answer; unpacking its masks there would be counted as latency. */
  readonly onAnswer?: (masks: FrameMasks) => void;
};

/** Where cameras are sent to. */
type Receiver = {
  readonly client: Pick<SegmentationClient, 'segmentVideo'>;
  readonly signal: AbortSignal;
};

/** The first stream of a process waits for compilation; no camera of a server that runs does. */
export async function warmUpServer(
  { pieces, boxes }: LiveCamera,
  receiver: Receiver,
): Promise<void> {
  await runLiveCamera({ pieces: pieces.slice(0, cameraFrameRate), boxes }, receiver);
}

/** Runs cameras side by side, shifted against one another so that they do not tick together. */
export async function runLiveCameras(
  cameras: readonly LiveCamera[],
  receiver: Receiver,
): Promise<LiveRun[]> {
  return await Promise.all(
    cameras.map(async (camera, k) => {
      await wait((k * 1000) / cameraFrameRate / cameras.length, undefined, {
        signal: receiver.signal,
      });
      return await runLiveCamera(camera, receiver);
    }),
  );
}

/** The answers from a frame on, and how many frames were dropped there. */
export function countFrom(
  firstFrame: number,
  { answers, summary }: LiveRun,
): Pick<LiveRun, 'answers'> & { readonly dropped: number } {
  const droppedEarlier = answers.reduce((sum, { frameIndex, droppedBefore }) => {
    const firstDropped = frameIndex - droppedBefore;
    return sum + Math.max(0, Math.min(frameIndex, firstFrame) - firstDropped);
  }, 0);
  return {
    answers: answers.filter(({ frameIndex }) => frameIndex >= firstFrame),
    // Frames dropped at the very end have no answer after them: the summary counts those.
    dropped: summary.framesDropped - droppedEarlier,
  };
}

/**
 * Sends one piece a frame at the pace of a camera, in LATEST, with one box per object on the first
 * frame. Masks come encoded and are not unpacked: a client's own work is no part of the latency.
 */
async function runLiveCamera(camera: LiveCamera, { client, signal }: Receiver): Promise<LiveRun> {
  const { pieces, boxes, keyframes, onAnswer } = camera;
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
      onAnswer?.(result.masks);
      const { frameIndex, framesDroppedBefore, timings, captureTimestampUs } = result.masks;
      if (timings === undefined || captureTimestampUs === undefined) {
        throw new Error(`frame ${frameIndex}: expected timings and its capture time`);
      }
      answers.push({
        frameIndex,
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
