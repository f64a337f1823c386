import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { makeCorpus } from '../support/fuzz/corpus.ts';
import { type FuzzResult, type FuzzRun, runFuzz, tryCase } from '../support/fuzz/run-fuzz.ts';

/*
 * Conversations that nobody meant, with a server of their own: mutated videos of every container,
 * mutated messages, valid messages in any order and at any time, calls that are dropped. No crash, no
 * decoder left behind, no code that blames the server, no end without a documented code; a video
 * that plain ffmpeg decodes is answered.
 *
 *   npm run bench fuzz -- [options]
 *
 *   --seconds S      Default: 180
 *   --seed N         of the first case, the others count on. Default: by the clock
 *   --only 1         that one case alone, and what came of it. Default: 0
 *   --side N         conversations side by side. Default: 3
 *   --keep FOLDER    where videos with a fault are written. Default: nowhere
 */

const options = readBenchOptions({ seconds: '180', seed: '', only: '0', side: '3', keep: '' });
const seed = options.text('seed') === '' ? Date.now() % 1e9 : options.number('seed');
const ffmpeg = await findConfiguredFfmpeg();
const clips = await makeCorpus(ffmpeg);
await using server = await startServerProcess([]);
const [seconds, side] = [options.number('seconds'), options.number('side')];
const run: FuzzRun = { server, clips, ffmpeg, seed, seconds, side, onCase: keep };

console.log(`seed ${seed}, ${clips.length} clips`);
if (options.number('only') === 1) {
  const result = await tryCase(run, seed);
  const { case: chosen, outcome, frames, fault } = result;
  keep(result);
  const { kind, clip, container } = chosen;
  console.log(`${kind}, ${clip.name} as ${container}: ${outcome}, ${frames} frames`);
  console.log(fault ?? 'no fault');
} else {
  const { cases, outcomes, faults, passing } = await runFuzz(run);
  const counts = [...outcomes].toSorted(([, a], [, b]) => b - a);
  for (const [outcome, count] of counts) console.log(`${String(count).padStart(7)} ${outcome}`);
  for (const fault of passing) console.log(`did not come again: ${fault}`);
  for (const fault of faults) console.log(fault);
  console.log(`${cases} conversations, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

function keep({ seed: at, case: { clip, video }, fault }: FuzzResult): void {
  const folder = options.text('keep');
  if (fault === null || folder === '' || video === null) return;
  void mkdir(folder, { recursive: true }).then(() =>
    writeFile(join(folder, `${at}-${clip.name}`), video),
  );
}
