/*
 * Fits the weights of src/tracking/object/confidence-model.ts on the shipped model's own masks.
 *
 *   node dist/tools/confidence/fit-confidence.js FOLDER:STARTS[:KINDS] ... [--samples FILE] [--write FILE]
 *   node dist/tools/confidence/fit-confidence.js held-out:6 trained:2:mask photographs:1:middle,click \
 *     --write src/tracking/object/confidence-model.ts
 *
 * Each FOLDER holds training-side clips as clip.mp4 + masks/NNNNN.png, never those that are reported;
 * every clip is prompted at STARTS frames, by KINDS of mask, box, middle and click. A folder is a kind of clips; kinds count alike, however many
 * clips they hold. Figures are printed with clips left out in turn, and with whole kinds left out: what to expect on another kind. Without
 * folders the samples are read from FILE. Prints figures on clips left out of the fit, and the weights.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { calibration, type Sample } from '../../src/evaluation/calibration.ts';
import { findClips } from '../../src/evaluation/clips.ts';
import { loadModel } from '../../src/inference/index.ts';
import type { ConfidenceModel } from '../../src/tracking/object/confidence-model.ts';
import {
  confidenceDoubtNames,
  confidenceDoubts,
  weighDoubts,
} from '../../src/tracking/object/confidence.ts';
import { createDecoder, findFfmpeg } from '../../src/video/index.ts';
import { collectSamples, type ConfidenceSample } from './collect-samples.ts';
import { fitWeights } from './fit-weights.ts';

/** Samples of one folder. */
type Folder = { readonly folder: string; readonly samples: readonly ConfidenceSample[] };

type Row = ReturnType<typeof rowsOf>[number];

/** Clips of a folder are left out in this many groups at most. */
const folds = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'models/maskstream-tiny' },
    samples: { type: 'string' },
    write: { type: 'string' },
  },
});
const startedAtMs = performance.now();
const folders = positionals.length > 0 ? await collect() : readSamples();
const rows = folders.flatMap(rowsOf);
const model = rounded(fitWeights(rows));
report();
if (values.write !== undefined) writeFileSync(values.write, source(model));
console.log(`${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);

async function collect(): Promise<Folder[]> {
  const { signal } = new AbortController();
  const settings = { directory: values.model, provider: 'cpu', threads: 2, signal } as const;
  await using segmenter = await loadModel(settings);
  const decode = createDecoder({ ffmpeg: await findFfmpeg({}) });
  const collected: Folder[] = [];
  for (const word of positionals) {
    const [folder = '', starts = '1', kinds] = word.split(':');
    const samples: ConfidenceSample[] = [];
    for (const clip of await findClips(folder, null)) {
      const asked = { starts: Number(starts), kinds: kinds?.split(',') ?? null };
      const options = { segmenter, decode, ...asked, signal };
      samples.push(...(await collectSamples(clip, options)));
      console.log(`${clip.name}: ${samples.length} masks of the folder so far`);
    }
    collected.push({ folder, samples });
    if (values.samples !== undefined) writeFileSync(values.samples, JSON.stringify(collected));
  }
  return collected;
}

function readSamples(): Folder[] {
  if (values.samples === undefined) throw new Error('expected FOLDER:STARTS or --samples FILE');
  return JSON.parse(readFileSync(values.samples, 'utf8')) as Folder[];
}

function rowsOf({ folder, samples }: Folder) {
  const clips = [...new Set(samples.map(({ clip }) => clip))];
  return samples.map(({ clip, run, evidence, iou }) => ({
    group: `${folder} ${clips.indexOf(clip) % folds}`,
    folder,
    prompt: run.split(/\W/)[0] ?? '',
    doubts: confidenceDoubts(evidence),
    iou,
    weight: 1 / samples.length,
  }));
}

function report(): void {
  const crossed = leaveOut((row) => row.group);
  const unknown = leaveOut((row) => row.folder);
  const seen = rows.map((row) => judged(row, model));
  print('all, weights of all', seen);
  print('all, clips left out', crossed);
  print('all, kind left out', unknown);
  const kinds = (pick: (row: Row) => string) => [...new Set(rows.map(pick))];
  for (const folder of kinds((row) => row.folder)) {
    const inside = (row: Row) => row.folder === folder;
    print(`${folder}, clips`, pickBy(crossed, inside));
    print(`${folder}, kind`, pickBy(unknown, inside));
    for (const prompt of kinds((row) => row.prompt)) {
      const chosen = (row: Row) => inside(row) && row.prompt === prompt;
      if (rows.some(chosen)) print(`  ${prompt}, kind`, pickBy(unknown, chosen));
    }
  }
  console.log(`bias ${model.bias}`);
  for (const [k, name] of confidenceDoubtNames.entries()) {
    console.log(`${String(model.weights[k]).padStart(6)}  ${name}`);
  }
}

/** Every row judged by weights that were fitted without its group: some clips, or a whole kind. */
function leaveOut(groupOf: (row: Row) => string): Sample[] {
  const models = new Map<string, ConfidenceModel>();
  for (const group of new Set(rows.map(groupOf))) {
    models.set(group, fitWeights(rows.filter((row) => groupOf(row) !== group)));
  }
  return rows.map((row) => judged(row, models.get(groupOf(row)) ?? model));
}

function judged({ doubts, iou }: Row, by: ConfidenceModel): Sample {
  return { confidence: weighDoubts(doubts, by), iou, age: null };
}

function pickBy(samples: readonly Sample[], chosen: (row: Row) => boolean): Sample[] {
  return samples.filter((_, i) => rows.slice(i, i + 1).some(chosen));
}

function print(name: string, samples: readonly Sample[]): void {
  const { bad, ece, auroc } = calibration(samples);
  const figures = `${samples.length} masks, ${bad} under IoU 0.5, error ${ece.toFixed(3)}`;
  console.log(`${name.padEnd(24)} ${figures}, AUROC ${auroc?.toFixed(3) ?? '-'}`);
}

function rounded({ bias, weights }: ConfidenceModel): ConfidenceModel {
  return { bias: digits(bias), weights: weights.map(digits) };
}

function digits(value: number): number {
  return Number(value.toFixed(3));
}

function source({ bias, weights }: ConfidenceModel): string {
  const lines = confidenceDoubtNames.map((name, k) => `    ${weights[k]}, // ${name}`);
  return `/** The bias and one weight for each doubt, in log odds. */
export type ConfidenceModel = { readonly bias: number; readonly weights: readonly number[] };

/** Weights of \`expectedIou\`, written by \`tools/confidence/fit-confidence.ts\`; one for each doubt. */
export const confidenceModel: ConfidenceModel = {
  bias: ${bias},
  weights: [
${lines.join('\n')}
  ],
};
`;
}
