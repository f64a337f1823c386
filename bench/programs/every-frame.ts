import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '../../clients/typescript/index.ts';
import type { SegmentationClient } from '../../clients/typescript/index.ts';
import { measureDecoding } from '../../src/evaluation/clip-flow.ts';
import type { Clip } from '../../src/evaluation/clips.ts';
import { readTruths } from '../../src/evaluation/clips.ts';
import type { ClipResult, Setting } from '../../src/evaluation/evaluate-clip.ts';
import { evaluateClip } from '../../src/evaluation/evaluate-clip.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import type { ServerProcess } from '../../src/evaluation/server-process.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { promptKinds } from '../../src/evaluation/true-prompts.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { createDecoder } from '../../src/video/index.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { chooseClips } from '../support/choose-clips.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';

/*
 * What keyframes with propagation save against the full model on every frame, and what they lose:
 * the same clips, model and threads, one server. CPU is user and system time of the server and its
 * children; decoding alone is measured for every clip and taken off. Then milliseconds a frame with
 * decoding at two heights.
 *
 *   npm run bench every-frame -- --clips FOLDER [options]
 *
 *   --clips FOLDER    folders with clip.mp4 and masks/NNNNN.png
 *   --only NAMES      clips to run. Default: those of DAVIS
 *   --prompt KIND     mask, box or point. Default: mask
 *   --keyframes LIST  compared with the first. Default: 1,adaptive,5,8,12
 *   --heights LIST    of the second table; empty leaves it out. Default: 480,720
 *   --threads N       threads of one model run. Default: 2
 */

const options = readBenchOptions({
  clips: '',
  only: '',
  prompt: 'mask',
  keyframes: '1,adaptive,5,8,12',
  heights: '480,720',
  threads: '2',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const decode = createDecoder({ ffmpeg });
const clips = await chooseClips(options);
const prompt = promptKinds.find((kind) => kind === options.text('prompt')) ?? 'mask';
const settings = options.list('keyframes').map((keyframes): Setting => ({ prompt, keyframes }));

await using server = await startServerProcess(['--threads', options.text('threads')]);
using client = connect(server.address);
const running = { server, client };
for (const clip of clips.slice(0, 1)) await run(clip, { prompt, keyframes: '8' }, running);
console.log(`${machineName()}; ${clips.length} clips, prompt: ${prompt}\n`);
console.log(`${await compareSettings()}\n`);
if (options.list('heights').length > 0) console.log(await compareHeights());

type Running = { readonly server: ServerProcess; readonly client: SegmentationClient };

async function run(clip: Clip, setting: Setting, on: Running): Promise<ClipResult> {
  const decoding = await measureDecoding(clip.videoFile, decode, signal);
  return await evaluateClip(clip, {
    client: on.client,
    setting,
    truths: await readTruths(clip, decoding.display),
    // Stability is the evaluation's business and takes long.
    flows: [],
    cpuMs: () => on.server.cpuMs(),
    decodeCpuMs: decoding.cpuMs,
    onFrame: () => undefined,
    signal,
  });
}

async function compareSettings(): Promise<string> {
  const results: ClipResult[] = [];
  for (const clip of clips) {
    for (const setting of settings) results.push(await run(clip, setting, running));
  }
  const summaries = settings.map((setting) => {
    const own = results.filter((result) => result.setting === setting);
    return { setting, ...summarize(own) };
  });
  const [first] = summaries;
  const rows = summaries.map((row) => [
    row.setting.keyframes,
    cell(100 * row.score),
    cell(first === undefined ? null : 100 * (row.score - first.score)),
    cell(row.encoderRuns, 3),
    cell(row.cpuMs),
    cell(row.modelMs),
    cell(first === undefined ? null : first.modelMs / row.modelMs, 2),
    cell(row.wallMs),
  ]);
  const columns = [
    'keyframes',
    'J&F',
    'against first',
    'encoder/frame',
    'CPU ms/frame',
    'less decoding',
    'times less CPU',
    'wall ms/frame',
  ];
  return markdownTable(columns, rows);
}

function summarize(results: readonly ClipResult[]) {
  const over = (pick: (result: ClipResult) => number) => mean(results.map(pick));
  return {
    score: over(({ objects }) =>
      mean(objects.map(({ region, boundary }) => (region.mean + boundary.mean) / 2)),
    ),
    encoderRuns: over(({ encoderRuns, frames }) => encoderRuns / frames),
    cpuMs: over(({ cpuMsPerFrame }) => cpuMsPerFrame ?? Number.NaN),
    modelMs: over(({ cpuMsPerFrameWithoutDecoding: ms }) => ms ?? Number.NaN),
    wallMs: over(({ wallMsPerFrame }) => wallMsPerFrame),
  };
}

async function compareHeights(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-heights-'));
  const rows: string[][] = [];
  try {
    for (const height of options.numbers('heights')) {
      const results: ClipResult[] = [];
      for (const clip of clips) {
        const videoFile = join(folder, `${clip.name}-${height}.mp4`);
        await scale(clip.videoFile, height, videoFile);
        results.push(await run({ ...clip, videoFile }, { prompt, keyframes: 'adaptive' }, running));
      }
      const { cpuMs, modelMs, wallMs } = summarize(results);
      rows.push([`${height}p`, cell(cpuMs), cell(cpuMs - modelMs), cell(modelMs), cell(wallMs)]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const columns = ['adaptive', 'CPU ms/frame', 'decoding', 'less decoding', 'wall ms/frame'];
  return markdownTable(columns, rows);
}

async function scale(from: string, height: number, to: string): Promise<void> {
  // The short side of an upright clip is its width.
  const size = `scale='if(gt(iw,ih),-2,${height})':'if(gt(iw,ih),${height},-2)'`;
  const words = ['-v', 'error', '-y', '-i', from, '-vf', `${size},setsar=1`, '-an'];
  const codec = '-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -movflags +faststart';
  await promisify(execFile)(ffmpeg.path, [...words, ...codec.split(' '), to], { signal });
}
