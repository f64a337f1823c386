import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerProcess } from '../../src/evaluation/server-process.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import type { BenchOptions } from './bench-options.ts';
import type { CameraClip } from './camera-clip.ts';
import { makeCorpus } from './fuzz/corpus.ts';
import { oneOf } from './fuzz/mutate.ts';
import { conversations, type MixedLoad } from './mixed-load.ts';
import { randomNumbers } from './random-numbers.ts';

/** What a soak is made of; `--seed` of the options says what comes when. */
export type SoakSetup = {
  readonly server: ServerProcess;
  readonly clip: CameraClip;
  readonly ffmpeg: FfmpegBinary;
  readonly options: BenchOptions;
};

/** How often a kind of conversation was held, and what of it failed. */
export type ConversationCount = { done: number; failed: number };

/**
 * Makes what the conversations send (the clip in fragments, so that its beginning is a video too, and its
 * first picture) and holds one of each kind: what a server starts once and keeps is no leak.
 */
export async function beginSoak({ server, clip, ffmpeg, options }: SoakSetup): Promise<MixedLoad> {
  const random = randomNumbers(options.number('seed'));
  const load = { ...(await makeLoad(server.address, clip, ffmpeg)), random };
  for (const converse of Object.values(conversations)) await converse(load).catch(() => undefined);
  return load;
}

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

/** Holds conversations of the named kinds at random, `side` side by side, until `endMs`. */
export async function holdConversations(
  load: MixedLoad,
  how: {
    readonly kinds: readonly string[];
    readonly side: number;
    /** By the clock of `performance`. */
    readonly endMs: number;
    /** Counts by kind; added to as they end. */
    readonly counts: Map<string, ConversationCount>;
  },
): Promise<void> {
  const { kinds, side, endMs, counts } = how;
  const worker = async () => {
    while (performance.now() < endMs) {
      const name = oneOf(load.random, kinds);
      const count = counts.get(name) ?? { done: 0, failed: 0 };
      counts.set(name, count);
      try {
        await conversations[name]?.(load);
        count.done++;
      } catch (reason) {
        count.failed++;
        console.error(`${name}: ${String(reason)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: side }, worker));
}

/** Takes a sample every `intervalMs` until the work is done. */
export async function sampleWhile<Sample>(
  work: Promise<void>,
  intervalMs: number,
  take: () => Sample,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const sampling = setInterval(() => samples.push(take()), intervalMs);
  try {
    await work;
  } finally {
    clearInterval(sampling);
  }
  return samples;
}

/** All that were held so far, failed ones among them. */
export function totalOf(counts: ReadonlyMap<string, ConversationCount>): number {
  return [...counts.values()].reduce((sum, { done, failed }) => sum + done + failed, 0);
}
