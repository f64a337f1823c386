import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { parseKeyframes } from '../../src/calls/keyframes.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import type { CameraClip } from '../support/camera-clip.ts';
import { cameraFrameRate, cameraClipFrom, readPieces } from '../support/camera-clip.ts';
import type { MeasuredLoad } from '../support/capacity/measured-load.ts';
import type { LiveAnswer } from '../support/live-camera.ts';
import { type PlayedLoad, playLoad } from '../support/play-load.ts';
import { cell, machineName, markdownTable, tableLine } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * How many live cameras one server bears: N streams of H.264 without B-frames at 30 frames a second,
 * each at its own pace, in LATEST, with a box for each object on the first frame. Latency runs at
 * the client, from the moment a camera would have taken the picture to its masks. Every N has a
 * server of its own, in a process of its own.
 *
 *   npm run bench cameras -- [options]
 *
 *   --cameras LIST   numbers of cameras. Default: 1,2,3,4,6,8
 *   --seconds S      length of each run. Default: 20
 *   --warm-up S      start of each run that is left out of all columns. Default: 2
 *   --size WxH       Default: 1280x720
 *   --objects N      most objects for each camera. Default: 2
 *   --bit-rate K     constant, in kbit/s (a camera's: 3000). Default: 0, constant quality, twice as heavy
 *   --source FOLDER  clip.mp4 and masks/00000.png, scaled. Default: the demo's scene
 *   --keyframes K    adaptive, or one every K frames. Default: adaptive
 *   --threads N      threads of one model run. Default: 2
 *   --out FILE       drops, latency and keyframes as JSON, for `npm run bench simulate`. Default: none
 */

const maxP95Ms = 100;
const columns =
  'cameras,dropped,p50 ms,p95 ms,p99 ms,max ms,keyframes/frame,keyframes/analysed,main thread ms,other threads ms,ffmpeg ms,cores busy'.split(
    ',',
  );
const stages = ['queue', 'propagate', 'encode', 'decode', 'refine', 'output', 'total'] as const;

const options = readBenchOptions({
  cameras: '1,2,3,4,6,8',
  seconds: '20',
  'warm-up': '2',
  size: '1280x720',
  objects: '2',
  'bit-rate': '0',
  source: '',
  keyframes: 'adaptive',
  threads: '2',
  out: '',
});
const { signal } = new AbortController();
// Every camera listens to it.
setMaxListeners(0, signal);
const ffmpeg = await findConfiguredFfmpeg();
const frames = Math.round(options.number('seconds') * cameraFrameRate);
const warmUpFrames = Math.round(options.number('warm-up') * cameraFrameRate);

await using clip = await cameraClipFrom(options, { ffmpeg, signal });
const pieces = await readPieces(clip, { ffmpeg, frames, signal });
const keyframes = parseKeyframes(options.text('keyframes'));
console.log(`${machineName()}; ${options.text('size')} at ${cameraFrameRate} frames a second,`);
console.log(`${clip.boxes.length} objects, ${options.number('seconds')} s each\n`);
const runs: Load[] = [];
for (const cameras of options.numbers('cameras')) {
  const load = await measure(cameras, clip);
  // A table as it grows: what was measured stays on the screen if a larger number fails.
  console.log(runs.length === 0 ? markdownTable(columns, [row(load)]) : tableLine(row(load)));
  runs.push(load);
}
print(runs);
if (options.text('out') !== '') {
  writeFileSync(options.text('out'), `${JSON.stringify(runs.map(measuredLoad), null, 2)}\n`);
}

/** One number of cameras, over the time after the warm-up. */
type Load = PlayedLoad & {
  readonly cameras: number;
  /** Decoded in the counted time, those dropped too. */
  readonly frames: number;
};

async function measure(cameras: number, { boxes }: CameraClip): Promise<Load> {
  const threads = options.number('threads');
  const played = await playLoad(
    { pieces, boxes, keyframes },
    { cameras, warmUpFrames, threads, signal },
  );
  return { ...played, cameras, frames: played.answers.length + played.dropped };
}

/** A load as the simulation compares with it. */
function measuredLoad({ cameras, answers, dropped, frames: captured }: Load): MeasuredLoad {
  const latenciesMs = answers.map(({ latencyMs }) => latencyMs);
  return {
    cameras,
    droppedShare: dropped / captured,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    keyframesPerAnswer:
      answers.filter(({ timings }) => timings.encodeUs > 0).length / answers.length,
  };
}

/** A row of the first table. */
function row({ cameras, answers, dropped, frames: all, cpu, wallMs }: Load): string[] {
  const latencies = answers.map(({ latencyMs }) => latencyMs);
  const at = (ratio: number) => cell(percentile(latencies, ratio), 0);
  const perFrame = (ms: number) => cell((ms / wallMs) * (1000 / cameraFrameRate / cameras), 2);
  const encoded = answers.filter(({ timings }) => timings.encodeUs > 0).length;
  return [
    String(cameras),
    `${dropped} of ${all}`,
    at(0.5),
    at(0.95),
    at(0.99),
    at(1),
    cell(encoded / all, 3),
    cell(encoded / Math.max(1, answers.length), 3),
    perFrame(cpu.main),
    perFrame(cpu.others),
    perFrame(cpu.children),
    cell((cpu.main + cpu.others + cpu.children) / wallMs, 2),
  ];
}

function print(loads: readonly Load[]): void {
  console.log();
  const times = loads.map(({ cameras, answers }) => [
    String(cameras),
    ...stages.map((stage) => stageCell(answers, stage)),
  ]);
  console.log(`${markdownTable(['cameras', ...stages.map((name) => `${name} ms`)], times)}\n`);
  const kept = loads.filter(({ dropped, answers }) => {
    const p95 = percentile(
      answers.map(({ latencyMs }) => latencyMs),
      0.95,
    );
    return dropped === 0 && p95 < maxP95Ms;
  });
  const most = Math.max(0, ...kept.map(({ cameras }) => cameras));
  console.log(`Most cameras with no frame dropped and p95 under ${maxP95Ms} ms: ${most}`);
}

/** Mean over all frames, and p95 of those on which the stage ran. */
function stageCell(answers: readonly LiveAnswer[], stage: (typeof stages)[number]): string {
  const all = answers.map(({ timings }) => timings[`${stage}Us`] / 1000);
  const ran = all.filter((ms) => ms > 0);
  return `${cell(mean(all), 2)} (${cell(percentile(ran, 0.95))})`;
}
