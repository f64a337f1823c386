import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { promisify } from 'node:util';
import type { ServerProcess } from '../../src/evaluation/server-process.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import type { BenchOptions } from './bench-options.ts';
import type { CameraClip } from './camera-clip.ts';
import { linearTrend } from './linear-trend.ts';
import { cell, machineName, markdownTable } from './markdown-table.ts';
import { conversations, type MixedLoad } from './mixed-load.ts';
import { readProcessState } from './process-state.ts';

const sampleMs = 2000;
const minuteMs = 60_000;

/**
 * Conversations of all kinds in turn, some side by side, and what the server's memory does
 * meanwhile: its slope over the means of each minute after a warm-up, with the 95 % interval.
 */
export async function mixedSoak(setup: {
  readonly server: ServerProcess;
  readonly clip: CameraClip;
  readonly ffmpeg: FfmpegBinary;
  readonly minutes: number;
  readonly options: BenchOptions;
}): Promise<void> {
  const { server, clip, ffmpeg, minutes, options } = setup;
  const warm = options.number('warm');
  const load = await makeLoad(server.address, clip, ffmpeg);
  const samples: { readonly minute: number; readonly residentMb: number }[] = [];
  const startedMs = performance.now();
  const sampling = setInterval(() => {
    const minute = (performance.now() - startedMs) / minuteMs;
    samples.push({ minute, residentMb: readProcessState(server.pid).residentMb });
  }, sampleMs);
  const counts = new Map<string, { done: number; failed: number }>();
  const kinds = Object.entries(conversations);
  const endMs = startedMs + minutes * minuteMs;
  const worker = async (first: number) => {
    for (let turn = first; performance.now() < endMs; turn++) {
      const [name, converse] = kinds[turn % kinds.length]!;
      const count = counts.get(name) ?? { done: 0, failed: 0 };
      counts.set(name, count);
      try {
        await converse(load);
        count.done++;
      } catch {
        count.failed++;
      }
    }
  };
  const side = options.number('side');
  const workers = Array.from({ length: side }, (_, index) =>
    worker(Math.floor((index * kinds.length) / side)),
  );
  await Promise.all(workers);
  clearInterval(sampling);
  print({ minutes, warm, samples, counts, state: readProcessState(server.pid) });
}

/** The clip as fragments, so that its beginning is a video too, and its first picture. */
async function makeLoad(
  address: string,
  clip: CameraClip,
  ffmpeg: FfmpegBinary,
): Promise<MixedLoad> {
  const folder = dirname(clip.file);
  const make = async (name: string, words: string) => {
    const path = join(folder, name);
    const input = ['-v', 'error', '-y', '-i', clip.file];
    await promisify(execFile)(ffmpeg.path, [...input, ...words.split(' '), path]);
    return await readFile(path);
  };
  const video = await make('fragments.mp4', '-c copy -movflags frag_keyframe+empty_moov');
  const picture = await make('picture.png', '-frames:v 1');
  return { address, clip, video, picture };
}

function print(result: {
  readonly minutes: number;
  readonly warm: number;
  readonly samples: readonly { readonly minute: number; readonly residentMb: number }[];
  readonly counts: ReadonlyMap<string, { readonly done: number; readonly failed: number }>;
  readonly state: ReturnType<typeof readProcessState>;
}): void {
  const { minutes, warm, samples, counts, state } = result;
  const means = Array.from({ length: Math.floor(minutes) }, (_, minute) => {
    const own = samples.filter((sample) => Math.floor(sample.minute) === minute);
    return own.reduce((sum, { residentMb }) => sum + residentMb, 0) / Math.max(1, own.length);
  });
  console.log(`${machineName()}; ${minutes} minutes of conversations of all kinds\n`);
  const rows = [...counts].map(([name, { done, failed }]) => [name, String(done), String(failed)]);
  console.log(`${markdownTable(['conversation', 'done', 'failed'], rows)}\n`);
  const cells = means.map((mean) => cell(mean, 0)).join(' ');
  console.log(`Resident MB, mean of each minute: ${cells}`);
  const steady = means.flatMap((mean, minute): [number, number][] =>
    minute < warm ? [] : [[minute / 60, mean]],
  );
  const { slope, low, high } = linearTrend(steady);
  console.log(
    `Slope after ${warm} minutes: ${cell(slope, 1)} MB an hour, 95 % ${cell(low, 1)} to ${cell(high, 1)}`,
  );
  const { threads, handles, children } = state;
  console.log(`At the end: ${threads} threads, ${handles} handles, ${children} children`);
}
