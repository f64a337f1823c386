/*
 * Fits the weights of src/tracking/confidence-model.ts: a logistic regression whose soft target is
 * the true IoU of each delivered mask.
 *
 *   node dist/bench/fit-confidence.js CLIPS_DIR [--keyframes 5,10,20]
 *
 * CLIPS_DIR holds held-out training clips as clip.mp4 + masks/NNNNN.png, never the clips that are
 * reported. Prints the weights, and calibration error and AUROC on each clip left out in turn.
 */
import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { calibration, type Sample } from '../src/cli/eval/calibration.ts';
import { findClips, readTrueMasks, type Clip } from '../src/cli/eval/clips.ts';
import { promptKinds, truePrompts, type EvalPrompt } from '../src/cli/eval/true-prompts.ts';
import { maskIou } from '../src/frame/mask.ts';
import { loadModel } from '../src/inference/index.ts';
import { runSession } from '../src/pipeline/index.ts';
import type { SessionInput, SessionOptions, TrackerPool } from '../src/pipeline/index.ts';
import { confidenceModel } from '../src/tracking/confidence-model.ts';
import {
  confidenceFeatureNames,
  confidenceFeatures,
  type MaskEvidence,
} from '../src/tracking/confidence.ts';
import { createDisFlow } from '../src/tracking/flow/dis-flow.ts';
import { sigmoid } from '../src/tracking/model-mask.ts';
import { Tracker } from '../src/tracking/tracker.ts';
import { createDecoder, findFfmpeg } from '../src/video/index.ts';

type Row = { readonly clip: string; readonly features: readonly number[]; readonly iou: number };

/** Pull towards the weights that are in use: few clips must not turn a sign. */
const ridge = 1;
const iterations = 40;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keyframes: { type: 'string', default: '5,10,20' }, model: { type: 'string' } },
});
const folder = positionals[0];
if (folder === undefined) throw new Error('expected a folder of held-out clips, got none');
const intervals = values.keyframes.split(',').map(Number);
const { signal } = new AbortController();
const segmenter = await loadModel({
  directory: values.model ?? 'models/maskstream-tiny',
  provider: 'cpu',
  threads: 2,
  signal,
});
const decode = createDecoder({ ffmpeg: await findFfmpeg({}) });
const rows: Row[] = [];
for (const clip of await findClips(folder, null)) {
  for (const prompt of promptKinds) {
    for (const intervalFrames of intervals)
      rows.push(...(await collect(clip, prompt, intervalFrames)));
  }
  console.log(`${clip.name}: ${rows.length} masks so far`);
}
await segmenter.close();
report(rows);

/** Runs one clip and pairs the evidence of every delivered mask with its true IoU. */
async function collect(clip: Clip, prompt: EvalPrompt, intervalFrames: number): Promise<Row[]> {
  let newest: ReadonlyMap<number, MaskEvidence> = new Map();
  const trackers = observedTrackers((evidence) => {
    newest = evidence;
  });
  const found: Row[] = [];
  const prompts = await truePrompts(clip, prompt);
  const options: SessionOptions = {
    container: 'mp4',
    delivery: 'every-frame',
    overlap: 'disjoint',
    keyframes: { kind: 'fixed', intervalFrames },
    frameRate: null,
    expectedSize: { width: null, height: null },
    maskLongSide: null,
    resume: [],
    limits: {
      maxObjects: 16,
      maxPoints: 10,
      maxPendingPrompts: 64,
      retainedFrames: 1,
      maxRetainedBytes: 1e9,
      lostAfterUs: 2e6,
    },
    signal,
    goingAway: null,
  };
  async function* inputs(): AsyncGenerator<SessionInput> {
    for (const [i, planned] of prompts.entries()) {
      yield { kind: 'prompt', update: { requestId: i + 1, ...planned } };
    }
    for await (const data of createReadStream(clip.videoFile)) {
      yield { kind: 'chunk', data: data as Uint8Array, captureTimestampUs: null };
    }
  }
  const parts = { decode, segmenter, trackers, nowMs: () => performance.now() };
  for await (const event of runSession(inputs(), options, parts)) {
    if (event.kind !== 'masks') continue;
    const evidence = newest;
    const file = clip.maskFiles.get(event.result.frameIndex);
    if (file === undefined) continue;
    const truth = await readTrueMasks(file);
    for (const { objectId, mask } of event.result.objects) {
      const known = evidence.get(objectId);
      if (known === undefined) continue;
      const target = truth.objects.get(objectId);
      const iou = target === undefined ? 0 : maskIou(mask, target);
      found.push({ clip: clip.name, features: confidenceFeatures(known), iou });
    }
  }
  return found;
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
        close: () => tracker.close(),
      };
    },
    close: async () => undefined,
  };
}

/** Newton's method on the log-likelihood of soft targets, penalised for leaving the weights in use. */
function fit(samples: readonly Row[]): number[] {
  const size = confidenceFeatureNames.length + 1;
  const known = [confidenceModel.bias, ...confidenceModel.weights];
  let weights = [...known];
  for (let step = 0; step < iterations; step++) {
    const gradient = zeros(size);
    const hessian = Array.from({ length: size }, () => zeros(size));
    for (const { features, iou } of samples) {
      const x = [1, ...features];
      const p = sigmoid(x.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0));
      for (let i = 0; i < size; i++) {
        gradient[i] = (gradient[i] ?? 0) + (iou - p) * (x[i] ?? 0);
        const line = hessian[i] ?? [];
        for (let j = 0; j < size; j++)
          line[j] = (line[j] ?? 0) + p * (1 - p) * (x[i] ?? 0) * (x[j] ?? 0);
      }
    }
    const penalty = ridge * samples.length;
    for (let i = 0; i < size; i++) {
      if (i === 0) continue;
      gradient[i] = (gradient[i] ?? 0) - penalty * ((weights[i] ?? 0) - (known[i] ?? 0));
      const line = hessian[i] ?? [];
      line[i] = (line[i] ?? 0) + penalty;
    }
    const delta = solve(hessian, gradient);
    weights = weights.map((weight, i) => weight + (delta[i] ?? 0));
  }
  return weights;
}

function zeros(size: number): number[] {
  return Array.from({ length: size }, () => 0);
}

/** Gaussian elimination with partial pivoting. */
function solve(matrix: number[][], right: readonly number[]): number[] {
  const lines = matrix.map((line, i) => [...line, right[i] ?? 0]);
  const size = lines.length;
  for (let column = 0; column < size; column++) {
    const best = lines
      .slice(column)
      .reduce(
        (at, line, i) =>
          Math.abs(line[column] ?? 0) > Math.abs(lines[at]?.[column] ?? 0) ? i + column : at,
        column,
      );
    [lines[column], lines[best]] = [lines[best] ?? [], lines[column] ?? []];
    const pivot = lines[column] ?? [];
    for (const [i, line] of lines.entries()) {
      if (i === column) continue;
      const factor = (line[column] ?? 0) / (pivot[column] ?? 1);
      for (let j = column; j <= size; j++) line[j] = (line[j] ?? 0) - factor * (pivot[j] ?? 0);
    }
  }
  return lines.map((line, i) => (line[size] ?? 0) / (line[i] ?? 1));
}

function predict(weights: readonly number[], features: readonly number[]): number {
  return sigmoid(
    features.reduce((sum, value, i) => sum + value * (weights[i + 1] ?? 0), weights[0] ?? 0),
  );
}

function report(samples: readonly Row[]): void {
  const clips = [...new Set(samples.map(({ clip }) => clip))];
  const judged: Sample[] = [];
  for (const clip of clips) {
    const weights = fit(samples.filter((row) => row.clip !== clip));
    for (const row of samples.filter((other) => other.clip === clip)) {
      judged.push({ confidence: predict(weights, row.features), iou: row.iou, age: null });
    }
  }
  const crossed = calibration(judged);
  console.log(
    `left out in turn: ${crossed.samples} masks, ${crossed.bad} under IoU 0.5, ` +
      `ECE ${crossed.ece.toFixed(3)}, AUROC ${crossed.auroc?.toFixed(3) ?? 'n/a'}`,
  );
  const weights = fit(samples);
  console.log(`bias: ${(weights[0] ?? 0).toFixed(3)},`);
  for (const [i, name] of confidenceFeatureNames.entries()) {
    console.log(`${(weights[i + 1] ?? 0).toFixed(3)}, // ${name}`);
  }
}
