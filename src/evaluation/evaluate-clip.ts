import { createReadStream } from 'node:fs';
import type { SegmentationClient, StreamSummary } from '../../clients/typescript/index.ts';
import { SegmentationError } from '../frame/errors.ts';
import type { FlowField } from '../tracking/flow/types.ts';
import { runVideo } from '../calls/run-video.ts';
import { parseKeyframes } from '../calls/keyframes.ts';
import type { Clip, TrueMasks } from './clips.ts';
import type { ObjectScores } from './object-track.ts';
import { createObjectTrack } from './object-track.ts';
import { stability } from './stability.ts';
import type { EvalPrompt } from './true-prompts.ts';
import { promptsFromTruths } from './true-prompts.ts';

/** One way of running the service. */
export type Setting = { readonly prompt: EvalPrompt; readonly keyframes: string };

/** One clip under one setting. */
export type ClipResult = {
  readonly clip: string;
  readonly setting: Setting;
  readonly frames: number;
  readonly objects: readonly ObjectScores[];
  readonly keyframes: number;
  /** All of them, wasted ones too. */
  readonly encoderRuns: number;
  /** Server and its children, in milliseconds a frame; null where it cannot be measured. */
  readonly cpuMsPerFrame: number | null;
  /** The same less what decoding alone costs. */
  readonly cpuMsPerFrameWithoutDecoding: number | null;
  readonly wallMsPerFrame: number;
};

/** Options of {@link evaluateClip}. */
export type EvaluateOptions = {
  readonly client: SegmentationClient;
  readonly setting: Setting;
  /** By frame, ascending. */
  readonly truths: ReadonlyMap<number, TrueMasks>;
  readonly flows: readonly (FlowField | null)[];
  /** CPU of the server so far, in milliseconds. */
  readonly cpuMs: () => number | null;
  /** CPU of decoding the clip alone, in milliseconds. */
  readonly decodeCpuMs: number | null;
  /** What masks are asked for besides. Default: nothing. */
  readonly masks?: { readonly minMaskRegionArea?: number };
  readonly onFrame: () => void;
  readonly signal: AbortSignal;
};

/** Runs one clip through the service and scores it. */
export async function evaluateClip(clip: Clip, options: EvaluateOptions): Promise<ClipResult> {
  const { client, setting, truths, flows, signal } = options;
  const prompts = promptsFromTruths(truths, setting.prompt);
  const tracks = prompts.map(({ objectId, at }) =>
    createObjectTrack({
      objectId,
      promptFrame: at.kind === 'frame' ? at.frameIndex : 0,
      givenMask: setting.prompt === 'mask',
      stability: (previous, current, frameIndex) => {
        const flow = flows[frameIndex];
        return flow === null || flow === undefined ? null : stability(previous, current, flow);
      },
    }),
  );
  const cpuBefore = options.cpuMs();
  const startedAtMs = performance.now();
  let lastFrame = -1;
  const summary = await runVideo({
    client,
    config: {
      container: 'mp4',
      delivery: 'every-frame',
      keyframes: parseKeyframes(setting.keyframes),
      ...options.masks,
    },
    prompts,
    video: () => createReadStream(clip.videoFile),
    onFrame: (frame) => {
      lastFrame = frame.frameIndex;
      const truth = truths.get(frame.frameIndex);
      for (const track of tracks) track.add(frame, truth ?? null);
      options.onFrame();
    },
    signal,
  });
  const wallMs = performance.now() - startedAtMs;
  const cpuAfter = options.cpuMs();
  checkFrames(clip, summary, lastFrame);
  const cpuMs = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  const frames = summary.framesOut;
  return {
    clip: clip.name,
    setting,
    frames,
    objects: tracks.map((track) => track.scores(lastFrame)),
    keyframes: summary.keyframes,
    encoderRuns: summary.encoderRuns,
    cpuMsPerFrame: cpuMs === null ? null : cpuMs / frames,
    cpuMsPerFrameWithoutDecoding:
      cpuMs === null || options.decodeCpuMs === null
        ? null
        : (cpuMs - options.decodeCpuMs) / frames,
    wallMsPerFrame: wallMs / frames,
  };
}

/** A service that loses frames must not look good for it. */
function checkFrames(clip: Clip, summary: StreamSummary, lastFrame: number): void {
  const lastTrue = Math.max(...clip.maskFiles.keys());
  if (summary.framesOut === summary.framesIn && lastFrame >= lastTrue) return;
  throw new SegmentationError(
    'internal',
    `${clip.name}: expected answers up to frame ${lastTrue}, got ${summary.framesOut} of ${summary.framesIn} frames`,
  );
}
