import { mean } from '../../../src/evaluation/series-statistics.ts';
import { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { CameraClip } from '../camera-clip.ts';
import { cameraFrameRate } from '../camera-clip.ts';
import type { SpentCpu } from '../count-cpu.ts';
import type { LiveAnswer } from '../live-camera.ts';
import { type PlayedLoad, playLoad } from '../play-load.ts';
import { percentile } from '../percentile.ts';
import { isRandomAccess } from '../camera-clip.ts';
import type { StreamCosts } from './costs.ts';
import { measureWakeMs } from './measure-wake.ts';

/** What is measured. */
export type MeasuredStream = {
  readonly name: string;
  readonly clip: CameraClip;
  /** One a frame. */
  readonly pieces: readonly Buffer[];
  /** Frames at the start that are left out. */
  readonly warmUpFrames: number;
  readonly threads: number;
  readonly signal: AbortSignal;
};

/** Frames of which one tells how large an answer is. */
const sizedEvery = 10;

/**
 * Measures what a stream costs from one camera and from two, which an idle machine must bear.
 *
 * @throws Error where frames were dropped: the machine was not idle
 */
export async function measureStream(stream: MeasuredStream): Promise<StreamCosts> {
  return costsOf(stream, {
    wakeMs: await measureWakeMs(),
    one: await play(stream, 1),
    two: await play(stream, 2),
  });
}

type Played = PlayedLoad & {
  readonly firstAnswers: readonly LiveAnswer[];
  readonly bytesOut: number;
};

async function play(stream: MeasuredStream, cameras: number): Promise<Played> {
  const { name, clip, pieces, warmUpFrames, threads, signal } = stream;
  const sized: FrameMasks[] = [];
  const onAnswer = (masks: FrameMasks): void => {
    if (masks.frameIndex % sizedEvery === 0) sized.push(masks);
  };
  const live = { pieces, boxes: clip.boxes, onAnswer };
  const played = await playLoad(live, { cameras, warmUpFrames, threads, signal });
  if (played.dropped > 0) {
    throw new Error(
      `${name}, ${cameras} cameras: expected no frame to be dropped, ${played.dropped} were`,
    );
  }
  return {
    ...played,
    firstAnswers: played.runs.flatMap((run) => run.answers.slice(0, 1)),
    bytesOut: mean(sized.map((masks) => FrameMasks.encode(masks).finish().length)),
  };
}

type Measured = { readonly wakeMs: number; readonly one: Played; readonly two: Played };

/** Worker calls of a keyframe: plan, encoder, decoder, two to the tracker, and learning how objects look. */
const callsOfKeyframe = 6;

function costsOf(stream: MeasuredStream, { wakeMs, one, two }: Measured): StreamCosts {
  const { name, pieces, threads } = stream;
  const main = [perFrame(one, one.cpu.main, 1), perFrame(two, two.cpu.main, 2)] as const;
  const both = [...one.answers, ...two.answers].map(({ timings }) => timings);
  const msOf = (stage: 'propagate' | 'output' | 'refine' | 'encode' | 'decode'): number[] =>
    both.map((timings) => timings[`${stage}Us`] / 1000);
  const keyframes = both.filter(({ encodeUs }) => encodeUs > 0);
  const keyframeWallMs = mean(keyframes.map((at) => (at.encodeUs + at.decodeUs) / 1000));
  const framesBetweenKeyframes = both.length / Math.max(1, keyframes.length);
  const refined = msOf('refine').filter((ms) => ms > 0);
  const refinedShare = refined.length / both.length;
  const flowMs = mean(msOf('propagate'));
  const outputMs = mean(msOf('output'));
  const refineMs = refined.length === 0 ? 0 : mean(refined);
  // What threads other than the main one spent beyond flow and refining went into keyframes.
  const others = (perFrame(one, one.cpu.others, 1) + perFrame(two, two.cpu.others, 2)) / 2;
  const keyframeCpuMs =
    (others - flowMs - outputMs - refineMs * refinedShare) * framesBetweenKeyframes;
  const keyframeCores = Math.min(threads, Math.max(1, keyframeCpuMs / keyframeWallMs));
  const first = [...one.firstAnswers, ...two.firstAnswers].map(({ timings }) => timings);
  const promptWallMs = mean(first.map((at) => (at.encodeUs + at.decodeUs) / 1000));
  // Alone, a camera finds the main thread asleep: a piece of video, a frame, and the answer of each call.
  const wakes = 3 + 2 * refinedShare + callsOfKeyframe / framesBetweenKeyframes;
  const encoderMs = mean(keyframes.map(({ encodeUs }) => encodeUs / 1000));
  return {
    name,
    frameRate: cameraFrameRate,
    decodeMs: perFrame(one, one.cpu.children, 1),
    mainMs: Math.max(0, 2 * main[1] - main[0] - wakes * wakeMs),
    mainMsPerSecond: Math.max(0, (main[0] - main[1]) * 2 * cameraFrameRate),
    wakeMs,
    flowMs,
    outputMs,
    refineMs,
    refinedShare,
    keyframeMs: keyframeWallMs * keyframeCores,
    keyframeCores,
    encoderShare: encoderMs / keyframeWallMs,
    framesBetweenKeyframes,
    promptMs: promptWallMs * keyframeCores,
    variation: sigmaOf(msOf('propagate')),
    clientMs: perFrame(two, two.cpu.client, 2),
    framesPerGroup: pieces.length / pieces.filter(isRandomAccess).length,
    bytesIn: mean(pieces.map(({ length }) => length)),
    bytesOut: one.bytesOut,
  };
}

/** Of CPU over some time, what one camera's frame took. */
function perFrame({ wallMs }: SpentCpu, ms: number, cameras: number): number {
  return (ms / wallMs) * (1000 / cameraFrameRate / cameras);
}

/** Sigma of a log-normal distribution with this ratio of its 95th percentile to its mean. */
function sigmaOf(values: readonly number[]): number {
  const normal95 = 1.645;
  const ratio = Math.log(percentile(values, 0.95) / mean(values));
  return normal95 - Math.sqrt(Math.max(0, normal95 ** 2 - 2 * Math.max(0, ratio)));
}
