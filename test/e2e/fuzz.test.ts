import { afterAll, expect, test } from 'vitest';
import { makeCorpus } from '../../bench/support/fuzz/corpus.ts';
import { runFuzz } from '../../bench/support/fuzz/run-fuzz.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';

/** More of it: `npm run bench fuzz -- --seconds 3600`; a seed again: `--seed N --only 1`. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 60);
// The same cases in every run, so that a failure is a change of ours; other seeds are for `bench fuzz`.
const seed = Number(process.env['FUZZ_SEED'] ?? 952_905_376);

const server = await startServerProcess([]);
afterAll(() => server[Symbol.asyncDispose]());

test(
  'mutated videos and messages, in any order: no crash, no child left, every end documented',
  async () => {
    console.log(`fuzz: seed ${seed}, ${seconds} s`);
    const ffmpeg = await findConfiguredFfmpeg();
    const clips = await makeCorpus(ffmpeg);
    const run = { server, clips, ffmpeg, seed, seconds, side: 2 };
    const { cases, outcomes, faults, passing } = await runFuzz(run);
    for (const fault of passing) console.log(`fuzz: did not come again: ${fault}`);
    expect(faults).toEqual([]);
    expect(cases).toBeGreaterThan(seconds / 2);
    // It got past the door as well as not.
    expect([...outcomes.keys()]).toEqual(
      expect.arrayContaining(['ok', 'undecodable-video', 'malformed-message']),
    );
  },
  (seconds + 120) * 1000,
);
