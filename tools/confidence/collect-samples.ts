import { maskPixels } from '../../src/frame/delivered-mask.ts';
import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { createReadStream } from 'node:fs';
import { distancePeak } from '../../src/evaluation/distance-peak.ts';
import { readTruths, type Clip, type TrueMasks } from '../../src/evaluation/clips.ts';
import { FramePool, type Frame } from '../../src/frame/frame.ts';
import { maskIou, maskToBitmap, type Mask } from '../../src/frame/mask.ts';
import type { Decode, Segmenter } from '../../src/frame/ports.ts';
import type { Click } from '../../src/frame/prompt.ts';
import { runSession, type SessionInput, type TrackerPool } from '../../src/pipeline/index.ts';
import type { MaskEvidence } from '../../src/tracking/object/confidence.ts';
import { createDisFlow } from '../../src/tracking/flow/dis.ts';
import type { KeyframePolicy } from '../../src/pipeline/keyframe/policy.ts';
import { Tracker } from '../../src/tracking/tracker.ts';

/** One delivered mask: what was known of it, and the truth. */
export type ConfidenceSample = {
  readonly clip: string;
  /** What the run was, such as `point from 12`. */
  readonly run: string;
  /** Frames since the prompt. */
  readonly frame: number;
  readonly evidence: MaskEvidence;
  readonly iou: number;
};

/** What samples are made with. */
export type CollectOptions = {
  readonly segmenter: Segmenter;
  readonly decode: Decode;
  /** Prompts are given at this many frames, spread over the clip. */
  readonly starts: number;
  /** What the objects are named by; null: all of it. */
  readonly kinds: readonly string[] | null;
  readonly signal: AbortSignal;
};

/** One run of the service: a prompt on a clip's frame, and some frames after it. */
type Run = {
  readonly name: string;
  readonly start: number;
  /** Every so many frames of the clip are shown: more than 1 makes things move faster. */
  readonly stride: number;
  readonly objectId: number;
  readonly prompts: { points: Click[]; box: Mask['box']; mask: Mask | null };
  readonly keyframes: KeyframePolicy;
  /** Most frames that it lasts. */
  readonly length: number;
};

/** Frames of a run after its prompt. */
const runFrames = 13;

/** Runs one clip from several frames and prompts, and pairs every delivered mask with its IoU. */
export async function collectSamples(
  clip: Clip,
  options: CollectOptions,
): Promise<ConfidenceSample[]> {
  const truths = await readTruths(clip);
  const frames = await decodeAll(clip, options);
  const samples: ConfidenceSample[] = [];
  try {
    for (const run of planRuns(truths, frames.length, options)) {
      samples.push(...(await collectRun(clip.name, run, { ...options, frames, truths })));
    }
  } finally {
    for (const frame of frames) frame.close();
  }
  return samples;
}

async function decodeAll(clip: Clip, { decode, signal }: CollectOptions): Promise<Frame[]> {
  const frames: Frame[] = [];
  const settings = { container: 'mp4', frameRate: null, signal } as const;
  for await (const event of decode(createReadStream(clip.videoFile), settings)) {
    if (event.kind === 'frame') frames.push(event.frame);
  }
  return frames;
}

/**
 * For every start: the true mask, its box, a click on its middle and two clicks anywhere on it,
 * some of them at three times the speed, under the model's own keyframes and under rare ones.
 */
function planRuns(
  truths: ReadonlyMap<number, TrueMasks>,
  frames: number,
  { starts, kinds, segmenter }: CollectOptions,
): Run[] {
  const random = numbersFrom(1);
  const { minInterval, maxInterval, minConfidence } = segmenter.info.keyframes;
  const adaptive = {
    kind: 'adaptive',
    minIntervalFrames: minInterval,
    maxIntervalFrames: maxInterval,
    intervalsAreTimes: true,
    minConfidence,
  } as const;
  const rare = { kind: 'fixed', intervalFrames: runFrames + 1 } as const;
  const runs: Run[] = [];
  for (let i = 0; i < starts; i++) {
    const start = Math.floor((i * frames) / starts);
    for (const [objectId, mask] of truths.get(start)?.objects ?? []) {
      const pixels = maskToBitmap(mask);
      const peak = distancePeak(pixels, mask.size);
      if (peak === null) continue;
      const none = { points: [], box: null, mask: null };
      const anywhere = (): Click[] => [{ ...pixelOf(mask, random()), label: 'positive' }];
      const base = { start, objectId, stride: i % 2 === 0 ? 1 : 3, length: runFrames };
      const whole = { ...base, length: i === 0 ? frames : runFrames };
      runs.push(
        { ...whole, name: 'mask', prompts: { ...none, mask }, keyframes: adaptive },
        { ...base, name: 'mask, rare', prompts: { ...none, mask }, keyframes: rare },
        { ...whole, name: 'box', prompts: { ...none, box: mask.box }, keyframes: adaptive },
        {
          ...whole,
          name: 'middle',
          prompts: { ...none, points: [{ ...peak, label: 'positive' }] },
          keyframes: adaptive,
        },
        { ...base, name: 'click', prompts: { ...none, points: anywhere() }, keyframes: adaptive },
        { ...base, name: 'click, rare', prompts: { ...none, points: anywhere() }, keyframes: rare },
      );
    }
  }
  return runs.filter(({ name }) => kinds === null || kinds.includes(name.split(',')[0] ?? ''));
}

async function collectRun(
  clip: string,
  run: Run,
  options: CollectOptions & {
    readonly frames: readonly Frame[];
    readonly truths: ReadonlyMap<number, TrueMasks>;
  },
): Promise<ConfidenceSample[]> {
  const { segmenter, signal, frames, truths } = options;
  const shown = frames
    .filter(({ index }) => index >= run.start && (index - run.start) % run.stride === 0)
    .slice(0, run.length);
  let newest: ReadonlyMap<number, MaskEvidence> = new Map();
  const trackers = observedTrackers((evidence) => (newest = evidence));
  const session = runSession(
    inputsOf(run),
    {
      container: 'mp4',
      delivery: 'every-frame',
      overlap: 'disjoint',
      keyframes: run.keyframes,
      frameRate: null,
      expectedSize: { width: null, height: null },
      maskLongSide: null,
      resume: null,
      limits: {
        maxObjects: 1,
        maxPoints: 10,
        maxPendingPrompts: 1,
        maxPendingBytes: 1 << 26,
        maxFramesAhead: 1000,
        maxReplayedFrames: 1000,
        replayedFramesPerSecond: 60,
        retainedFrames: 1,
        maxRetainedBytes: 1e9,
        maxObjectMemoryBytes: 256 * 2 ** 20,
        lostAfterUs: 2e6,
      },
      signal,
      goingAway: null,
    },
    {
      decode: replay(shown, frameRateOf(frames)),
      segmenter,
      trackers,
      nowMs: () => performance.now(),
    },
  );
  const samples: ConfidenceSample[] = [];
  for await (const event of session) {
    if (event.kind !== 'masks') continue;
    const { frameIndex, objects } = event.result;
    const evidence = newest.get(run.objectId);
    const mask = objects.find(({ objectId }) => objectId === run.objectId)?.mask;
    const truth = truths.get(shown[frameIndex]?.index ?? -1);
    if (evidence === undefined || mask === undefined || truth === undefined) continue;
    const target = truth.objects.get(run.objectId);
    const iou = target === undefined ? 0 : maskIou(maskPixels(mask), target);
    samples.push({ clip, run: `${run.name} from ${run.start}`, frame: frameIndex, evidence, iou });
  }
  return samples;
}

async function* inputsOf({ objectId, prompts }: Run): AsyncGenerator<SessionInput> {
  const at = { kind: 'frame', frameIndex: 0 } as const;
  const said = { requestId: 1, objectId, action: 'add', at, text: null, label: null } as const;
  const mask = prompts.mask && runLengthsOf(prompts.mask);
  yield { kind: 'prompt', update: { ...said, prompts: { ...prompts, mask } } };
  yield { kind: 'end-of-video' };
}

/** A decoder that shows copies of frames, numbered and timed from 0 at the clip's rate. */
function replay(frames: readonly Frame[], frameRate: number): Decode {
  const pool = new FramePool();
  return async function* (chunks) {
    for await (const _ of chunks);
    const [first] = frames;
    if (first === undefined) return;
    const { display, analysis } = first;
    const format = { fromFrameIndex: 0, display, analysis, frameRate, codec: 'h264' };
    yield { kind: 'format', format };
    for (const [index, frame] of frames.entries()) {
      const timestampUs = Math.round((index * 1e6) / frameRate);
      const copy = pool.create({ ...frame, index, timestampUs, decodedAtMs: performance.now() });
      copy.data.set(frame.data);
      yield { kind: 'frame', frame: copy };
    }
  };
}

function frameRateOf(frames: readonly Frame[]): number {
  const [first, last] = [frames[0], frames.at(-1)];
  if (first === undefined || last === undefined || first === last) return 1;
  return ((last.index - first.index) * 1e6) / (last.timestampUs - first.timestampUs);
}

/** Trackers in this thread that show what they know at each delivery, frame by frame. */
function observedTrackers(
  observe: (evidence: ReadonlyMap<number, MaskEvidence>) => void,
): TrackerPool {
  return {
    open: async (options) => {
      const tracker = new Tracker({ ...options, engine: createDisFlow() });
      return {
        call: async (method, ...parameters) => {
          const run = tracker[method as 'advance'] as (...all: readonly unknown[]) => unknown;
          const result = run.apply(tracker, parameters);
          if (method === 'deliver') observe(tracker.evidence());
          return result as never;
        },
        loss: 'none',
        reopen: () => Promise.reject(new Error('a tracker in this thread is not lost')),
        close: () => tracker.close(),
      };
    },
    close: async () => undefined,
  };
}

/** A set pixel of a mask, by its place among them, 0..1. */
function pixelOf(mask: Mask, place: number): { x: number; y: number } {
  const set: number[] = [];
  maskToBitmap(mask).forEach((value, at) => {
    if (value) set.push(at);
  });
  const at = set[Math.floor(place * set.length)] ?? 0;
  return { x: at % mask.size.width, y: Math.floor(at / mask.size.width) };
}

/** Numbers in [0, 1) that look random and are the same in every run (Numerical Recipes' LCG). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
