/*
 * Which lead an object gets that lies within others, and what contested and touching masks say of
 * confidence: on training photographs of several things, prompted by true boxes.
 *
 *   node dist/tools/contest/fit-contest.js FOLDER [--step N] --samples FILE
 *   node dist/tools/contest/fit-contest.js --samples FILE
 *
 * FOLDER holds the unpacked sets cats, balloons and coco-free. Samples are written to FILE; without
 * FOLDER they are read from it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadModel } from '../../src/inference/index.ts';
import { decodeImage } from '../../src/video/image-decoder.ts';
import { findFfmpeg } from '../../src/video/index.ts';
import { collectContests, crowdedPictures, type ContestSample } from './collect-contests.ts';

const leads = [0, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'models/maskstream-tiny' },
    step: { type: 'string', default: '1' },
    samples: { type: 'string' },
  },
});
if (values.samples === undefined) throw new Error('expected --samples FILE');
const [folder] = positionals;
if (folder !== undefined) await collect(folder, values.samples);
report(JSON.parse(readFileSync(values.samples, 'utf8')) as ContestSample[]);

async function collect(from: string, file: string): Promise<void> {
  const { signal } = new AbortController();
  const settings = { directory: values.model, provider: 'cpu', threads: 2, signal } as const;
  await using segmenter = await loadModel(settings);
  const ffmpeg = await findFfmpeg({});
  const samples: ContestSample[] = [];
  for (const picture of crowdedPictures(from, Number(values.step))) {
    const { frame } = await decodeImage(readFileSync(picture.path), { ffmpeg, signal });
    try {
      samples.push(...(await collectContests(picture, frame, { segmenter, leads })));
    } finally {
      frame.close();
    }
  }
  writeFileSync(file, JSON.stringify(samples));
}

function report(samples: readonly ContestSample[]): void {
  const groups: [string, (sample: ContestSample) => boolean][] = [
    ['all', () => true],
    ['contested 0.02 to 0.3', ({ contestedRatio: c }) => c >= 0.02 && c < 0.3],
    ['contested 0.3 to 0.8', ({ contestedRatio: c }) => c >= 0.3 && c < 0.8],
    ['contested from 0.8', ({ contestedRatio: c }) => c >= 0.8],
  ];
  console.log(`mean IoU by lead ${leads.join(', ')}`);
  for (const [name, isIn] of groups) {
    const chosen = samples.filter(isIn);
    const means = leads.map((lead) => mean(chosen.map(({ iou }) => iou[lead] ?? 0)).toFixed(4));
    console.log(`${name.padEnd(24)} ${String(chosen.length).padStart(5)}  ${means.join(' ')}`);
  }
  console.log('apart or touching without contest: expected IoU, IoU');
  for (const [from, to] of [
    [0, 0],
    [0, 0.05],
    [0.05, 0.1],
    [0.1, 0.2],
    [0.2, 0.4],
    [0.4, 9],
  ]) {
    const chosen = samples.filter(({ contestedRatio, touches }) => {
      const alike = touches.reduce((sum, { ratio, likeness }) => sum + ratio * likeness, 0);
      return contestedRatio < 0.02 && (to === 0 ? alike === 0 : alike > from! && alike <= to!);
    });
    const expected = mean(chosen.map(({ predictedIou }) => predictedIou));
    const iou = mean(chosen.map((sample) => sample.iou['0.1'] ?? 0));
    const name = `touch x likeness ${from} to ${to}`;
    console.log(`${name.padEnd(30)} ${chosen.length}  ${expected.toFixed(3)} ${iou.toFixed(3)}`);
  }
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / Math.max(1, numbers.length);
}
