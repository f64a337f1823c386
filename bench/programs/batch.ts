import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../../src/package-root.ts';
import { findClips } from '../../src/evaluation/clips.ts';
import { processCpuMs } from '../../src/process-tree.ts';
import { findFfmpeg } from '../../src/video/index.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { createCameraClip, pictureSize } from '../support/camera-clip.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';

/*
 * Frames a second of `maskstream segment` on a batch of videos, with as many side by side as `--jobs`
 * says, in turns. Time and CPU are those of the whole command: start, model, decoders and files included.
 *
 *   npm run bench batch -- [--clips CLIPS] [--jobs 1,2,3] [--rounds 2] [--inputs 6] [--size 1280x720]
 *                          [--seconds 5] [--format dir] [--keyframes adaptive]
 */
const options = readBenchOptions({
  clips: '',
  jobs: '1,2,3',
  rounds: '2',
  inputs: '6',
  size: '1280x720',
  seconds: '5',
  format: 'dir',
  keyframes: 'adaptive',
});

const folder = await mkdtemp(join(tmpdir(), 'bench-batch-'));
try {
  const inputs = join(folder, 'inputs');
  await mkdir(inputs);
  await (options.text('clips') === '' ? generate(inputs) : gather(inputs));
  const rows: string[][] = [];
  for (let round = 1; round <= options.number('rounds'); round++) {
    for (const jobs of options.numbers('jobs')) {
      const { frames, seconds, cpuMs } = await measure(inputs, jobs);
      const cells = [frames / seconds, cpuMs / frames].map((value) => cell(value));
      rows.push([`${round}`, `${jobs}`, `${frames}`, cell(seconds), ...cells]);
    }
  }
  console.log(`${machineName()}\n`);
  console.log(
    markdownTable(['round', 'jobs', 'frames', 'seconds', 'frames/s', 'CPU ms/frame'], rows),
  );
} finally {
  await rm(folder, { recursive: true });
}

/** The demo's scene, as many times as `--inputs` says. */
async function generate(to: string): Promise<void> {
  const ffmpeg = await findFfmpeg({});
  const { signal } = new AbortController();
  const size = pictureSize(options.text('size'));
  const wish = { source: null, size, maxObjects: 2, bitRateKbps: 0 };
  await using clip = await createCameraClip({ ...wish, ffmpeg, signal });
  const first = join(to, '0.mp4');
  const cut = `-v error -i ${clip.file} -t ${options.number('seconds')} -c copy ${first}`;
  await once(spawn(ffmpeg.path, cut.split(' ')), 'close');
  for (let number = 1; number < options.number('inputs'); number++) {
    await cp(first, join(to, `${number}.mp4`));
  }
}

async function gather(to: string): Promise<void> {
  for (const clip of await findClips(options.text('clips'), null)) {
    await cp(clip.videoFile, join(to, `${clip.name}.mp4`));
  }
}

async function measure(inputs: string, jobs: number) {
  const out = join(folder, 'out');
  const words = ['segment', inputs, '--box', '100,80,200,160', '--box', '400,80,200,160'];
  const form = ['--format', options.text('format'), '--keyframes', options.text('keyframes')];
  const command = [join(packageRoot(), 'bin/maskstream'), ...words, ...form, '--out', out];
  const cpuBefore = processCpuMs(process.pid) ?? Number.NaN;
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [...command, '--jobs', String(jobs)]);
  child.stderr.pipe(process.stderr);
  const [stdout, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'close') as Promise<[number]>,
  ]);
  if (code !== 0) throw new Error(`expected exit code 0 with --jobs ${jobs}, got ${code}`);
  const seconds = (performance.now() - startedAtMs) / 1000;
  await rm(out, { recursive: true });
  const frames = [...stdout.matchAll(/: (\d+) frames/g)].reduce((sum, [, n]) => sum + Number(n), 0);
  return { frames, seconds, cpuMs: (processCpuMs(process.pid) ?? Number.NaN) - cpuBefore };
}
