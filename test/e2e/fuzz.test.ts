import { afterAll, expect, test } from 'vitest';
import { makeCorpus } from '../../bench/support/fuzz/corpus.ts';
import { runFuzz } from '../../bench/support/fuzz/run-fuzz.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';

/** More of it: `npm run bench fuzz -- --seconds 3600`; a seed again: `--seed N --only 1`. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 60);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9);

const server = await startServerProcess([]);
afterAll(() => server[Symbol.asyncDispose]());

test(
  'mutated videos and messages, in any order: no crash, no child left, every end documented',
  async () => {
    console.log(`fuzz: seed ${seed}, ${seconds} s`);
    const ffmpeg = await findConfiguredFfmpeg();
    const clips = await makeCorpus(ffmpeg);
    const run = { server, clips, ffmpeg, seed, seconds, side: 2 };
    const { cases, outcomes, faults } = await runFuzz(run);
    expect(faults).toEqual([]);
    expect(cases).toBeGreaterThan(seconds / 2);
    // It got past the door as well as not.
    expect([...outcomes.keys()]).toEqual(
      expect.arrayContaining(['ok', 'undecodable-video', 'malformed-message']),
    );
  },
  (seconds + 120) * 1000,
);
