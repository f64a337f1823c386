import { execFile } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ServerProcess } from '../../src/evaluation/server-process.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import type { BenchOptions } from './bench-options.ts';
import type { CameraClip } from './camera-clip.ts';
import { makeCorpus } from './fuzz/corpus.ts';
import { oneOf } from './fuzz/mutate.ts';
import { linearTrend } from './linear-trend.ts';
import { cell, machineName, markdownTable } from './markdown-table.ts';
import { conversations, type MixedLoad } from './mixed-load.ts';
import { readProcessState, type ProcessState } from './process-state.ts';
import { randomNumbers } from './random-numbers.ts';

/** What a server holds at one moment of the run. */
export type SoakSample = {
  readonly minute: number;
  readonly residentMb: number;
  readonly threads: number;
  readonly handles: number;
  readonly children: number;
};

/** What is written of a run, for `bench soak-plot`. */
export type SoakRecord = {
  readonly machine: string;
  readonly minutes: number;
  readonly warm: number;
  readonly conversations: number;
  readonly samples: readonly SoakSample[];
};

const sampleMs = 2000;
/** After the last conversation: connections without a call are closed after 30 s. */
const settleMs = 40_000;
const minuteMs = 60_000;

/**
 * Conversations of all kinds at random, some side by side, and what the server's memory does
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
  const random = randomNumbers(options.number('seed'));
  const load = { ...(await makeLoad(server.address, clip, ffmpeg)), random };
  const samples: SoakSample[] = [];
  // One of each: what a server starts once and keeps is no leak.
  for (const converse of Object.values(conversations)) await converse(load).catch(() => undefined);
  await delay(settleMs);
  const before = readProcessState(server.pid);
  const startedMs = performance.now();
  const sampling = setInterval(() => {
    const minute = (performance.now() - startedMs) / minuteMs;
    samples.push({ minute, ...readProcessState(server.pid) });
  }, sampleMs);
  const counts = new Map<string, { done: number; failed: number }>();
  const kinds = Object.entries(conversations);
  const endMs = startedMs + minutes * minuteMs;
  const worker = async () => {
    while (performance.now() < endMs) {
      const [name, converse] = oneOf(random, kinds);
      const count = counts.get(name) ?? { done: 0, failed: 0 };
      counts.set(name, count);
      try {
        await converse(load);
        count.done++;
      } catch (reason) {
        count.failed++;
        console.error(`${name}: ${String(reason)}`);
      }
    }
  };
  const side = options.number('side');
  await Promise.all(Array.from({ length: side }, worker));
  clearInterval(sampling);
  await delay(settleMs);
  const state = readProcessState(server.pid);
  print({ minutes, warm, samples, counts, before, state, spooled: spooledFiles(server.pid) });
  const file = options.text('samples');
  if (file === '') return;
  const done = [...counts.values()].reduce((sum, count) => sum + count.done + count.failed, 0);
  const record: SoakRecord = {
    machine: machineName(),
    minutes,
    warm,
    conversations: done,
    samples,
  };
  await writeFile(file, JSON.stringify(record));
}

/** The clip as fragments, so that its beginning is a video too, and its first picture. */
async function makeLoad(
  address: string,
  clip: CameraClip,
  ffmpeg: FfmpegBinary,
): Promise<Omit<MixedLoad, 'random'>> {
  const folder = dirname(clip.file);
  const make = async (name: string, words: string) => {
    const path = join(folder, name);
    const input = ['-v', 'error', '-y', '-i', clip.file];
    await promisify(execFile)(ffmpeg.path, [...input, ...words.split(' '), path]);
    return await readFile(path);
  };
  const video = await make('fragments.mp4', '-c copy -movflags frag_keyframe+empty_moov');
  const picture = await make('picture.png', '-frames:v 1');
  return { address, clip, video, picture, corpus: await makeCorpus(ffmpeg) };
}

/** Temporary files that the process still holds; they have no names. */
function spooledFiles(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const open = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return ''; // It was closed since it was listed.
    }
  });
  return open.filter((path) => /\/maskstream-.* \(deleted\)$/.test(path)).length;
}

function print(result: {
  readonly minutes: number;
  readonly warm: number;
  readonly samples: readonly SoakSample[];
  readonly counts: ReadonlyMap<string, { readonly done: number; readonly failed: number }>;
  readonly before: ProcessState;
  readonly state: ProcessState;
  readonly spooled: number;
}): void {
  const { minutes, warm, samples, counts, before, state, spooled } = result;
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
  for (const [when, { threads, handles, children }] of [
    ['Before', before],
    ['At the end', state],
  ] as const) {
    console.log(`${when}: ${threads} threads, ${handles} handles, ${children} children`);
  }
  console.log(`Temporary files still held: ${spooled}`);
}
