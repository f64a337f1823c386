/*
 * What score a phrase's finding needs, and what its mask has to be, for it to be a thing: on labelled
 * training photographs that the text head has not seen.
 *
 *   node dist/tools/text/fit-threshold.js FOLDER [--step N] [--set NAME] --findings FILE
 *   node dist/tools/text/fit-threshold.js --findings FILE
 *
 * FOLDER holds unpacked sets of photographs (camvid, ccp, human290, carparts); findings are appended
 * to FILE, so that sets may be collected one by one. Without FOLDER the table is made of FILE.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadModel } from '../../src/inference/index.ts';
import { decodeImage } from '../../src/video/image-decoder.ts';
import { findFfmpeg } from '../../src/video/index.ts';
import { collectFindings, type Finding } from './collect-findings.ts';
import { labelledPictures } from './labelled-pictures.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'models/maskstream-tiny' },
    step: { type: 'string', default: '1' },
    set: { type: 'string' },
    findings: { type: 'string' },
  },
});
if (values.findings === undefined) throw new Error('expected --findings FILE');
const [folder] = positionals;
if (folder !== undefined) await collect(folder, values.findings);
report(
  readFileSync(values.findings, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding),
);

async function collect(from: string, file: string): Promise<void> {
  const { signal } = new AbortController();
  const settings = { directory: values.model, provider: 'cpu', threads: 2, signal } as const;
  await using segmenter = await loadModel(settings);
  const ffmpeg = await findFfmpeg({});
  for (const picture of labelledPictures(from, Number(values.step))) {
    if (values.set !== undefined && picture.set !== values.set) continue;
    const { frame } = await decodeImage(picture.image, { ffmpeg, signal });
    try {
      for (const finding of await collectFindings(picture, frame, segmenter)) {
        appendFileSync(file, `${JSON.stringify(finding)}\n`);
      }
    } finally {
      frame.close();
    }
  }
}

/** At least half of the mask is what the noun says. */
function isRight({ rightRatio }: Finding): boolean {
  return rightRatio >= 0.5;
}

function report(findings: readonly Finding[]): void {
  const print = (name: string, kept: readonly Finding[]): void => {
    const right = kept.filter(isRight).length;
    const all = findings.filter(isRight).length;
    const precision = right / Math.max(1, kept.length);
    const recall = right / all;
    const f1 = (2 * precision * recall) / (precision + recall || 1);
    const figures = [precision, recall, f1].map((value) => value.toFixed(3)).join(' ');
    console.log(`${name.padEnd(34)} ${String(kept.length).padStart(5)}  ${figures}`);
  };
  console.log('kept where'.padEnd(35), 'count  precision, recall of right ones, F1');
  for (const least of steps(0, 0.9, 0.1)) {
    print(
      `predicted IoU >= ${least}`,
      findings.filter((one) => one.predictedIou >= least),
    );
  }
  for (const least of steps(0, 0.5, 0.1)) {
    print(
      `filled >= ${least}`,
      findings.filter((one) => one.filledRatio >= least),
    );
  }
  for (const least of steps(0, 0.95, 0.05)) {
    print(
      `score >= ${least}`,
      findings.filter((one) => one.score >= least),
    );
  }
}

function steps(from: number, to: number, by: number): number[] {
  const count = Math.round((to - from) / by) + 1;
  return Array.from({ length: count }, (_, i) => Number((from + i * by).toFixed(2)));
}
