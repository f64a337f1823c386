import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connect } from '../../clients/typescript/index.ts';
import type { ClickOptions, SegmentationClient } from '../../clients/typescript/index.ts';
import { deferred } from '../../clients/typescript/deferred.ts';
import { splitFragments } from '../../src/cli/demo/encode-camera.ts';
import type { Clip, TrueMasks } from '../../src/evaluation/clips.ts';
import { readTruths } from '../../src/evaluation/clips.ts';
import { measureDecoding } from '../../src/evaluation/clip-flow.ts';
import { regionIou } from '../../src/evaluation/region-iou.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import type { EvalPrompt } from '../../src/evaluation/true-prompts.ts';
import { promptKinds, promptsFromTruths } from '../../src/evaluation/true-prompts.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { decodeFrame } from '../../src/calls/decode-answer.ts';
import { toPrompt } from '../../src/calls/run-video.ts';
import type { Size } from '../../src/frame/geometry.ts';
import { maskToBitmap } from '../../src/frame/mask.ts';
import { createDecoder } from '../../src/video/index.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { chooseClips } from '../support/choose-clips.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { simulateClick } from '../support/simulate-click.ts';

/*
 * What one click is worth. Every clip runs twice: once as it is, which shows the worst frame of its
 * first object, and once with a click on that frame, sent when the frames after it have been
 * answered too and the server still holds it. The click is the pixel farthest from the edge of the
 * largest region that is wrong: positive where the object was missed, negative where it was not.
 *
 *   npm run bench corrections -- --clips FOLDER [options]
 *
 *   --clips FOLDER  folders with clip.mp4 and masks/NNNNN.png
 *   --only NAMES    clips to run. Default: those of DAVIS
 *   --prompt LIST   mask, box or point. Default: mask,box,point
 *   --later N       frames that are answered after the worst one before the click. Default: 5
 */

const options = readBenchOptions({ clips: '', only: '', prompt: 'mask,box,point', later: '5' });
const later = options.number('later');
/** Frames of reordered video leave a decoder some frames late. */
const reorderFrames = 4;
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const decode = createDecoder({ ffmpeg });
const clips = await chooseClips(options);
const prompts = promptKinds.filter((kind) => options.list('prompt').includes(kind));

await using server = await startServerProcess([]);
using client = connect(server.address);
console.log(`${machineName()}\n`);
for (const prompt of prompts) {
  const results: Corrected[] = [];
  for (const clip of clips) results.push(await correct(clip, prompt, client));
  print(prompt, results);
}

/** One clip with and without its click; J of the first object. */
type Corrected = {
  readonly clip: string;
  readonly frame: number;
  readonly click: ClickOptions['label'] | null;
  readonly onFrame: readonly [before: number, after: number];
  /** Means over the frames after it. */
  readonly afterwards: readonly [before: number, after: number];
  readonly revised: number;
};

/** Answers by frame, the latest revision of each. */
type Answers = { readonly bitmaps: Map<number, Uint8Array>; revised: number };

type Job = {
  readonly pieces: readonly Uint8Array[];
  readonly truths: ReadonlyMap<number, TrueMasks>;
  readonly prompt: EvalPrompt;
  readonly on: SegmentationClient;
};

async function correct(clip: Clip, prompt: EvalPrompt, on: SegmentationClient): Promise<Corrected> {
  const { display } = await measureDecoding(clip.videoFile, decode, signal);
  const truths = await readTruths(clip, display);
  const job = { pieces: await readFragments(clip.videoFile), truths, prompt, on };
  const [objectId = 1] = promptsFromTruths(truths, prompt).map((planned) => planned.objectId);
  const before = await run(job, objectId, null);
  const scored = (answers: Answers) => scores(answers, truths, objectId);
  const first = scored(before);
  const last = Math.max(...first.keys());
  // A click needs frames after it to be worth something there.
  const candidates = [...first].filter(
    ([index]) => index > 0 && index < last - later - reorderFrames,
  );
  const [frame, worst] = candidates.reduce((a, b) => (b[1] < a[1] ? b : a));
  const click = clickOn(before, truths, { objectId, frame, display });
  const after = click === null ? before : await run(job, objectId, { frame, click });
  const second = scored(after);
  const meanAfter = (values: ReadonlyMap<number, number>) =>
    mean([...values].filter(([index]) => index > frame).map(([, value]) => value));
  return {
    clip: clip.name,
    frame,
    click: click?.label ?? null,
    onFrame: [worst, second.get(frame) ?? Number.NaN],
    afterwards: [meanAfter(first), meanAfter(second)],
    revised: after.revised,
  };
}

/** Runs a clip; with a click, sends it when `later` frames after its own are answered. */
async function run(
  { pieces, truths, prompt, on }: Job,
  objectId: number,
  correction: { readonly frame: number; readonly click: ClickOptions } | null,
): Promise<Answers> {
  using stream = on.segmentVideo({ container: 'mp4', delivery: 'every-frame' }, { signal });
  const answers: Answers = { bitmaps: new Map(), revised: 0 };
  const wanted = correction === null ? Infinity : correction.frame + later;
  const answered = deferred<void>();
  const acks: Promise<unknown>[] = promptsFromTruths(truths, prompt).map((planned) =>
    stream.prompt(toPrompt(planned)),
  );
  const receive = async () => {
    let display: Size = { width: 0, height: 0 };
    for await (const result of stream) {
      if (result.kind === 'info') display = result.info;
      if (result.kind !== 'masks') continue;
      const { frameIndex, objects } = decodeFrame(result.masks, display);
      const object = objects.find((each) => each.objectId === objectId);
      if (object !== undefined) answers.bitmaps.set(frameIndex, maskToBitmap(object.mask));
      if (result.isCorrection) answers.revised++;
      if (frameIndex === wanted) answered.resolve();
    }
  };
  const send = async () => {
    const upTo = wanted + 1 + reorderFrames;
    for (const piece of pieces.slice(0, upTo)) await stream.sendChunk(piece);
    if (correction !== null) {
      await answered.promise;
      const at = { frameIndex: correction.frame };
      acks.push(stream.prompt({ objectId, action: 'refine', points: [correction.click], at }));
    }
    for (const piece of pieces.slice(upTo)) await stream.sendChunk(piece);
    stream.end();
  };
  await Promise.all([send(), receive()]);
  await Promise.all(acks);
  return answers;
}

function scores(
  { bitmaps }: Answers,
  truths: ReadonlyMap<number, TrueMasks>,
  objectId: number,
): Map<number, number> {
  const values = new Map<number, number>();
  for (const [index, { size, objects }] of truths) {
    const truth = objects.get(objectId);
    const pixels = size.width * size.height;
    const predicted = bitmaps.get(index) ?? new Uint8Array(pixels);
    const bitmap = truth === undefined ? new Uint8Array(pixels) : maskToBitmap(truth);
    values.set(index, regionIou(predicted, bitmap));
  }
  return values;
}

/** The click that a user would make on a frame; null where nothing is wrong. */
function clickOn(
  { bitmaps }: Answers,
  truths: ReadonlyMap<number, TrueMasks>,
  at: { readonly objectId: number; readonly frame: number; readonly display: Size },
): ClickOptions | null {
  const truth = truths.get(at.frame)?.objects.get(at.objectId);
  const pixels = at.display.width * at.display.height;
  const wanted = truth === undefined ? new Uint8Array(pixels) : maskToBitmap(truth);
  const predicted = bitmaps.get(at.frame) ?? new Uint8Array(pixels);
  return simulateClick(predicted, wanted, at.display);
}

/** The clip as it is, cut into one fragment a frame. */
async function readFragments(file: string): Promise<Buffer[]> {
  const words = ['-v', 'error', '-i', file, '-an', '-c', 'copy', '-f', 'mp4', '-movflags'];
  const { stdout } = await promisify(execFile)(
    ffmpeg.path,
    [...words, 'frag_every_frame+empty_moov+default_base_moof', 'pipe:1'],
    { encoding: 'buffer', maxBuffer: 2 ** 30, signal },
  );
  return splitFragments(stdout);
}

function print(prompt: EvalPrompt, results: readonly Corrected[]): void {
  const rows = results.map(({ clip, frame, click, onFrame, afterwards, revised }) => [
    clip,
    String(frame),
    click ?? 'none',
    ...[...onFrame, ...afterwards].map((value) => cell(value, 3)),
    String(revised),
  ]);
  const over = (pick: (result: Corrected) => number) => cell(mean(results.map(pick)), 3);
  rows.push([
    'mean',
    '',
    '',
    over(({ onFrame }) => onFrame[0]),
    over(({ onFrame }) => onFrame[1]),
    over(({ afterwards }) => afterwards[0]),
    over(({ afterwards }) => afterwards[1]),
    over(({ revised }) => revised),
  ]);
  const columns = [
    `prompt: ${prompt}`,
    'frame',
    'click',
    'J before',
    'J after',
    'J of later frames before',
    'J of later frames after',
    'revised frames',
  ];
  console.log(`${markdownTable(columns, rows)}\n`);
}
