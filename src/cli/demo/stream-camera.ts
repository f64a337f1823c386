import { setTimeout as wait } from 'node:timers/promises';
import type { SegmentationClient, StreamSummary } from '../../../clients/typescript/index.ts';
import type { Mask } from '../../frame/mask.ts';
import { emptyMask, maskIou } from '../../frame/mask.ts';
import type { AnsweredFrame } from '../../formats/answered-frame.ts';
import { plannedPrompt } from '../../calls/planned-prompt.ts';
import { runVideo } from '../../calls/run-video.ts';
import type { Scene } from './scene.ts';

/** One answer beside the truth. */
export type JudgedFrame = {
  readonly frame: AnsweredFrame;
  /** True IoU by object, in the order of the scene's ids; 1 where both masks are empty. */
  readonly ious: readonly number[];
  /** From the moment a camera would have taken the picture to its masks here, in milliseconds. */
  readonly latencyMs: number;
};

/** A finished live stream. */
export type CameraRun = {
  readonly frames: readonly JudgedFrame[];
  readonly summary: StreamSummary;
  /** From the first picture to the last answer. */
  readonly seconds: number;
};

/**
 * Sends one piece a frame at the scene's own pace and judges the answers as they come. Boxes around
 * the objects of the first frame are all that the server is told.
 *
 * @param pieces see `splitFragments`
 * @param truths true masks by frame
 */
export async function streamCamera(options: {
  readonly client: SegmentationClient;
  readonly scene: Scene;
  readonly delivery: 'every-frame' | 'latest';
  readonly pieces: readonly Uint8Array[];
  readonly truths: readonly ReadonlyMap<number, Mask>[];
  readonly onFrame: (judged: JudgedFrame) => void;
  readonly signal: AbortSignal;
}): Promise<CameraRun> {
  const { client, scene, pieces, truths, signal } = options;
  const frames: JudgedFrame[] = [];
  const intervalMs = 1000 / scene.frameRate;
  let startedAtMs = performance.now();
  let answeredAtMs = startedAtMs;
  const takenAtMs = (index: number) => startedAtMs + index * intervalMs;
  const prompts = scene.objectIds.map((objectId) =>
    plannedPrompt(objectId, 0, { prompts: { box: truths[0]?.get(objectId)?.box ?? null } }),
  );
  const summary = await runVideo({
    client,
    config: { container: 'mp4', delivery: options.delivery },
    prompts,
    video: (async function* () {
      startedAtMs = performance.now();
      for (const [index, bytes] of pieces.entries()) {
        const aheadMs = takenAtMs(index) - performance.now();
        if (aheadMs > 0) await wait(aheadMs, undefined, { signal });
        yield { bytes, options: { captureTimestampUs: Math.round(takenAtMs(index) * 1000) } };
      }
    })(),
    onFrame: (frame) => {
      answeredAtMs = performance.now();
      const latencyMs = answeredAtMs - takenAtMs(frame.frameIndex);
      const truth = truths[frame.frameIndex];
      const ious = scene.objectIds.map((objectId) => {
        const answer = frame.objects.find((object) => object.objectId === objectId);
        const empty = emptyMask(scene.size);
        return maskIou(answer?.mask ?? empty, truth?.get(objectId) ?? empty);
      });
      const judged = { frame, ious, latencyMs };
      frames.push(judged);
      options.onFrame(judged);
    },
    signal,
  });
  return { frames, summary, seconds: (answeredAtMs - startedAtMs) / 1000 };
}
