/*
 * How well a prompt is understood, without any tracking: frames of the clips go through SegmentImage
 * one by one, with the box of the true mask, or with one click on its middle (the maximum of its
 * distance transform), then with further clicks, each farthest from the edge of the largest region
 * that was wrong before. A mean over the frames of a clip, then over the clips.
 *
 *   npm run bench single-frame -- --clips FOLDER [options]
 *
 *   --clips FOLDER  folders with clip.mp4 and masks/NNNNN.png
 *   --only NAMES    clips to run. Default: those of DAVIS
 *   --every N       one frame of so many. Default: 3
 *   --model NAME    model of the package, or a folder with manifest.json. Default: the embedded one
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClickOptions } from '../../clients/typescript/index.ts';
import { connect } from '../../clients/typescript/index.ts';
import type { Clip } from '../../src/evaluation/clips.ts';
import { readTruths } from '../../src/evaluation/clips.ts';
import { distancePeak } from '../../src/evaluation/distance-peak.ts';
import { regionIou } from '../../src/evaluation/region-iou.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { decodeObject } from '../../src/calls/decode-answer.ts';
import type { Mask } from '../../src/frame/mask.ts';
import { maskToBitmap } from '../../src/frame/mask.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { chooseClips } from '../support/choose-clips.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { simulateClick } from '../support/simulate-click.ts';

/** Mean IoU over a clip's frames, in the order of `kinds`. */
type Measured = {
  readonly clip: string;
  readonly frames: number;
  readonly ious: readonly number[];
};

const options = readBenchOptions({ clips: '', only: '', every: '3', model: 'maskstream-tiny' });
const { signal } = new AbortController();
const mostClicks = 3;
const ffmpeg = await findConfiguredFfmpeg();
const clips = await chooseClips(options);

await using server = await startServerProcess(['--model', options.text('model')]);
using client = connect(server.address);
const kinds = ['box', '1 click', '2 clicks', '3 clicks'];
const results: Measured[] = [];
for (const clip of clips) results.push(await measure(clip));
const overClips = kinds.map((_, kind) => mean(results.map(({ ious }) => ious[kind] ?? Number.NaN)));
const rows = results.map(({ clip, frames, ious }) => [clip, String(frames), ...ious.map(inDigits)]);
console.log(`${machineName()}\n`);
console.log(
  markdownTable(['clip', 'frames', ...kinds], [...rows, ['mean', '', ...overClips.map(inDigits)]]),
);

function inDigits(iou: number): string {
  return cell(iou, 3);
}

/** Mean IoU of each kind of prompt over a clip's frames. */
async function measure(clip: Clip): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'single-frame-'));
  try {
    const words = ['-v', 'error', '-i', clip.videoFile, '-start_number', '0', '-vsync', '0'];
    await promisify(execFile)(ffmpeg.path, [...words, join(folder, '%05d.png')]);
    const truths = await readTruths(clip);
    const scores: number[][] = [];
    for (const [index, name] of (await readdir(folder)).toSorted().entries()) {
      if (index % options.number('every') !== 0) continue;
      const image = await readFile(join(folder, name));
      for (const truth of truths.get(index)?.objects.values() ?? []) {
        if (truth.box !== null) scores.push(await askAll(image, truth));
      }
    }
    const ious = kinds.map((_, kind) => mean(scores.map((each) => each[kind] ?? Number.NaN)));
    return { clip: clip.name, frames: scores.length, ious };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** IoU for the box, one click, two and three. A click that has nothing to mend changes nothing. */
async function askAll(image: Uint8Array, truth: Mask): Promise<number[]> {
  const wanted = maskToBitmap(truth);
  const ask = async (prompt: { box?: NonNullable<Mask['box']>; points?: ClickOptions[] }) => {
    const answer = await client.segmentImage(
      { image, prompts: [{ objectId: 1, ...prompt }] },
      { signal },
    );
    const [object] = answer.objects;
    return object === undefined
      ? new Uint8Array(wanted.length)
      : maskToBitmap(decodeObject(object, truth.size).mask);
  };
  const ious = [regionIou(await ask({ box: truth.box! }), wanted)];
  const middle = distancePeak(wanted, truth.size);
  const points: ClickOptions[] = middle === null ? [] : [{ ...middle, label: 'positive' }];
  for (let clicks = 1; clicks <= mostClicks; clicks++) {
    const predicted = await ask({ points: [...points] });
    ious.push(regionIou(predicted, wanted));
    const next = simulateClick(predicted, wanted, truth.size);
    if (next !== null) points.push(next);
  }
  return ious;
}
