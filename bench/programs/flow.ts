import { cpus } from 'node:os';
import { createDisFlow } from '../../src/tracking/flow/dis.ts';
import { createFarnebackFlow } from '../../src/tracking/flow/farneback.ts';
import type { FlowEngine } from '../../src/tracking/flow/types.ts';
import { parseBenchWords } from '../support/bench-options.ts';
import {
  loadClips,
  loadTrainingClips,
  trainingClips,
  type TrueClip,
} from '../support/flow/true-clips.ts';
import { endPointErrors, knownMotions } from '../support/flow/known-motion.ts';
import { scoreCuts } from '../support/flow/scene-cuts.ts';
import { tellLoss } from '../support/flow/tell-loss.ts';
import { evidenceNames, warpEvidence } from '../support/flow/warp-evidence.ts';
import { ages, median, warpedMaskIou } from '../support/flow/warped-masks.ts';

/*
 * Flow engines side by side: milliseconds, end-point error under known motion, IoU of true masks
 * carried 1, 2, 5 and 10 frames, and scene cuts; and what tells how much a carried mask has lost.
 *
 *   npm run bench flow -- [--clips DIR] [--training DIR [--all]] [--evidence]
 *
 * DIR of --clips holds NAME/clip.mp4 and NAME/masks/NNNNN.png; DIR of --training holds frames
 * NAME_NNNNN.jpg with NAME_NNNNN.0.png, of which the five held-out clips are used, with --all every
 * one. --evidence prints the last part alone. Needs ffmpeg and ffprobe. Times are medians of processor
 * time on a machine that may be busy: compare ratios.
 */

const heldOut = ['dance-jump', 'drift-turn', 'flamingo', 'scooter-gray', 'rhino'];
const { values: options } = parseBenchWords({
  options: {
    clips: { type: 'string' },
    training: { type: 'string' },
    all: { type: 'boolean', default: false },
    evidence: { type: 'boolean', default: false },
  },
});

type Candidate = { readonly label: string; readonly longSide: number; readonly engine: FlowEngine };

const candidates: Candidate[] = [
  { label: 'Farneback w9 i2', longSide: 256, engine: await createFarnebackFlow() },
  { label: 'Farneback w9 i2', longSide: 320, engine: await createFarnebackFlow() },
  ...[192, 256, 320, 384].map((longSide) => ({ label: 'DIS', longSide, engine: createDisFlow() })),
  { label: 'DIS finest 1/2', longSide: 256, engine: createDisFlow({ finestLevel: 1 }) },
  { label: 'DIS 2 passes', longSide: 256, engine: createDisFlow({ passes: 2 }) },
  { label: 'DIS stride 4', longSide: 256, engine: createDisFlow({ patchStride: 4 }) },
];

console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} threads`);
if (options.training !== undefined)
  report(
    options.all ? 'training clips' : 'held-out training clips',
    loadTrainingClips(options.training, options.all ? trainingClips(options.training) : heldOut),
  );
if (options.clips !== undefined) report('clips', loadClips(options.clips));
for (const { engine } of candidates) engine.close();

function report(title: string, clips: readonly TrueClip[]): void {
  console.log(`\n${title}: ${clips.map(({ name }) => name).join(', ')}`);
  if (!options.evidence) {
    reportMasks(clips);
    reportKnownMotion(clips);
    reportCuts(clips);
  }
  reportEvidence(clips);
}

function reportMasks(clips: readonly TrueClip[]): void {
  console.log(
    `\nIoU of carried masks after ${ages.join(', ')} frames; CPU ms per frame, per object`,
  );
  console.log(
    'engine           grid  flow ms  follow  warp | plain                   | followed                | composed',
  );
  for (const { label, longSide, engine } of candidates) {
    const scores = clips.map((clip) => warpedMaskIou(clip, engine, longSide));
    const mean = (part: 'plain' | 'followed' | 'composed') =>
      ages
        .map((_, at) => scores.reduce((sum, row) => sum + row[part][at]!, 0) / scores.length)
        .map((value) => value.toFixed(3))
        .join(' ');
    const ms = (part: 'flowMs' | 'followMs' | 'warpMs') =>
      median(scores.map((row) => row[part])).toFixed(2);
    console.log(
      `${label.padEnd(16)} ${String(longSide).padStart(4)} ${ms('flowMs').padStart(8)} ${ms('followMs').padStart(7)} ${ms('warpMs').padStart(5)} | ${mean('plain')} | ${mean('followed')} | ${mean('composed')}`,
    );
  }
}

function reportKnownMotion(clips: readonly TrueClip[]): void {
  console.log(
    '\nMean end-point error in pixels of a 256-wide grid, first frame of each clip moved',
  );
  console.log(`engine           grid   ${knownMotions.map(({ name }) => name).join('   ')}`);
  for (const { label, longSide, engine } of candidates) {
    const rows = clips.map((clip) => endPointErrors(engine, clip.frames[0]!, clip.size, longSide));
    const means = knownMotions.map(({ name }, at) => {
      const mean = rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length;
      return mean.toFixed(2).padStart(name.length);
    });
    console.log(`${label.padEnd(16)} ${String(longSide).padStart(4)}   ${means.join('   ')}`);
  }
}

function reportCuts(clips: readonly TrueClip[]): void {
  console.log('\nScene cuts, clips spliced into shots of 12 frames');
  const engine = createDisFlow();
  for (const trouble of ['none', 'every third frame', 'flashes'] as const) {
    const { cuts, found, otherFrames, falseAlarms } = scoreCuts(clips, engine, trouble);
    console.log(
      `${trouble.padEnd(18)} found ${found} of ${cuts}, false alarms ${falseAlarms} in ${otherFrames}`,
    );
  }
  engine.close();
}

function reportEvidence(clips: readonly TrueClip[]): void {
  const engine = createDisFlow();
  const found = clips.map((clip) => warpEvidence(clip, engine, 256));
  engine.close();
  const samples = found.flatMap(({ samples: some }) => some);
  const forwardMs = median(found.flatMap(({ times }) => times));
  console.log(
    `\nWhat tells the loss of a carried mask, ${samples.length} masks of 1 to 12 frames:`,
  );
  console.log('correlation; the same at equal age; of a fit on the other clips');
  const known = [0, 1, 2, 3];
  const choices = [
    ...evidenceNames.map((_, at) => [at]),
    known,
    ...[4, 5, 6].map((at) => [...known, at]),
  ];
  for (const columns of choices) {
    const { correlation, atEqualAge, otherClips } = tellLoss(samples, columns);
    const values = [correlation, atEqualAge, otherClips].map((value) => value.toFixed(3));
    const label = columns.map((column) => evidenceNames[column]).join(', ');
    console.log(`${values.map((value) => value.padStart(7)).join('')}  ${label}`);
  }
  console.log(`flow in the other direction: ${forwardMs.toFixed(2)} ms of CPU a frame`);
}
