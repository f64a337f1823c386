import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import { calibration, type Sample } from '../../evaluation/calibration.ts';
import { findClips } from '../../evaluation/clips.ts';
import { fewestSamples, isotonicKnots, type ScoreKnots } from '../../evaluation/isotonic-knots.ts';
import { scoreClip, type ScoredAnswer } from '../../evaluation/score-clips.ts';
import { calibrate, loadManifest, loadModel, type Manifest } from '../../inference/index.ts';
import { createDecoder } from '../../video/index.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import { createProgress } from '../progress.ts';
import { chosenModel, textTable, type ModelAction } from './action.ts';

/** Raw scores that can come through: a calibration maps them to 0..1 without bending. */
const rawRange = { from: -32, to: 32 } as const;

/** A raw score, the kind of prompt and the IoU that came true. */
type RawSample = Omit<ScoredAnswer, 'predictedIou'> & { readonly raw: number };

/**
 * `maskstream models calibrate`: fits what a model's score means, from clips with true masks, and
 * writes it into the manifest.
 */
export async function calibrateModel(action: ModelAction): Promise<void> {
  const { args, io, subject, config } = action;
  if (subject === null) {
    throw usageError('models calibrate: expected a folder of clips (clip.mp4, masks/), got none');
  }
  const model = args.texts.get('model') ?? config.model;
  const directory = chosenModel({ ...action, subject: model });
  const manifest = await loadManifest(directory);
  const samples = await collectSamples(directory, action, subject);
  if (samples.length < 2 * fewestSamples) {
    throw usageError(
      `${subject}: expected true masks of at least ${fewestSamples} objects on single frames, got ${samples.length / 2}`,
    );
  }
  const fitted = fit(samples);
  const report = {
    samples: samples.length,
    clips: new Set(samples.map(({ clip }) => clip)).size,
    eceBefore: ece(samples, knotsOf(manifest)),
    eceHeldOut: heldOutEce(samples),
    iou: fitted,
  };
  const isDry = args.flags.has('dry-run');
  const isWorse = report.eceHeldOut !== null && report.eceHeldOut > report.eceBefore;
  const isRefused = isWorse && !isDry && !args.flags.has('force');
  const isWritten = !isDry && !isRefused;
  if (isWritten) await writeCalibration(directory, fitted);
  if (args.flags.has('json')) {
    const shown = { version: 1, directory, written: isWritten, ...report };
    io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  } else print(report, isWritten ? join(directory, 'manifest.json') : null, io);
  if (!isRefused) return;
  throw new SegmentationError(
    'unhealthy',
    `expected a calibration error on clips held out of at most the ${report.eceBefore.toFixed(3)} ` +
      `that the manifest has, got ${report.eceHeldOut?.toFixed(3)}: nothing was written; --force writes it`,
  );
}

type Report = {
  readonly samples: number;
  readonly clips: number;
  readonly eceBefore: number;
  readonly eceHeldOut: number | null;
};

function print(report: Report, written: string | null, io: ModelAction['io']): void {
  io.stdout.write(
    textTable(
      ['answers', 'clips', 'calibration error before', 'after, on clips held out'],
      [
        [
          String(report.samples),
          String(report.clips),
          report.eceBefore.toFixed(3),
          report.eceHeldOut?.toFixed(3) ?? 'one clip alone',
        ],
      ],
    ),
  );
  io.stdout.write(written === null ? 'nothing written\n' : `wrote ${written}\n`);
}

async function collectSamples(
  directory: string,
  { io, config }: ModelAction,
  folder: string,
): Promise<RawSample[]> {
  const clips = await findClips(folder, null);
  const decode = createDecoder({ ffmpeg: await findConfiguredFfmpeg() });
  const { from, to } = rawRange;
  await using model = await loadModel({
    directory,
    provider: config.provider,
    threads: config.modelThreads,
    signal: io.signal,
    adjust: (manifest) => ({
      ...manifest,
      iou: {
        ...manifest.iou,
        calibration: [
          [from, 0],
          [to, 1],
        ],
        calibrationByPrompt: {},
      },
    }),
  });
  const progress = createProgress(io, 'calibrating', clips.length, 'clips');
  const samples: RawSample[] = [];
  try {
    for (const [index, clip] of clips.entries()) {
      const answers = await scoreClip(clip, { model, decode, signal: io.signal });
      for (const { predictedIou, ...answer } of answers) {
        samples.push({ ...answer, raw: from + predictedIou * (to - from) });
      }
      progress.update(index + 1);
    }
  } finally {
    progress.finish();
  }
  return samples;
}

type Fitted = {
  readonly calibration: ScoreKnots;
  readonly calibrationByPrompt: { readonly click: ScoreKnots; readonly box: ScoreKnots };
};

function fit(samples: readonly RawSample[]): Fitted {
  const of = (prompt: RawSample['prompt']) => samples.filter((sample) => sample.prompt === prompt);
  return {
    calibration: isotonicKnots(samples),
    calibrationByPrompt: { click: isotonicKnots(of('click')), box: isotonicKnots(of('box')) },
  };
}

function knotsOf({ iou }: Manifest): (prompt: RawSample['prompt']) => ScoreKnots {
  return (prompt) => iou.calibrationByPrompt[prompt] ?? iou.calibration;
}

/** Expected calibration error of a map from scores. */
function ece(
  samples: readonly RawSample[],
  knots: (prompt: RawSample['prompt']) => ScoreKnots,
): number {
  const judged: Sample[] = samples.map(({ raw, iou, prompt }) => ({
    confidence: calibrate(raw, knots(prompt)),
    iou,
    age: 0,
  }));
  return calibration(judged).ece;
}

/** Two halves of the clips, each judged by the fit of the other; null where that is not to be had. */
function heldOutEce(samples: readonly RawSample[]): number | null {
  const clips = [...new Set(samples.map(({ clip }) => clip))];
  const halves = [0, 1].map((half) =>
    samples.filter(({ clip }) => clips.indexOf(clip) % 2 === half),
  );
  if (halves.some((half) => half.length < 2 * fewestSamples)) return null;
  const errors = halves.map((half, i) => {
    const { calibrationByPrompt } = fit(halves[1 - i]!);
    return ece(half, (prompt) => calibrationByPrompt[prompt]);
  });
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

/** Puts the fit into the manifest as it stands, whole or not at all. */
async function writeCalibration(directory: string, fitted: Fitted): Promise<void> {
  const path = join(directory, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { iou: object };
  // Maps of other kinds of prompt were fitted on other clips: what is new replaces all.
  const iou = { ...manifest.iou, ...fitted };
  await writeFile(`${path}.part`, `${JSON.stringify({ ...manifest, iou }, null, 2)}\n`);
  await rename(`${path}.part`, path);
}
