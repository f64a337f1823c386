import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from './find-on-path.ts';

/** Starts a program with limits of its own. */
export type ProcessLimiter = {
  /** One line for the log. */
  readonly describe: string;
  /** The program and the words that start `program` with `words` under the limits. */
  wrap(program: string, words: readonly string[]): [program: string, words: readonly string[]];
};

/**
 * Memory of a decoder: a picture of 96 million pixels takes 0.4 GiB, 4K video with 16 reference
 * frames 0.4.
 */
const maxDataBytes = 768 * 1024 * 1024;

/** Its pipes, one file, and what its libraries open at start. */
const maxHandles = 64;

/**
 * Limits on memory, handles, files and core dumps by `prlimit` (util-linux), so that a small file
 * that describes a huge one costs its own decoder and nothing else. How many processes there may be
 * is not limited: that limit counts all of the user's.
 *
 * Null where the platform has no such program, or it may not set limits.
 */
export async function findLimiter(searchPath: string): Promise<ProcessLimiter | null> {
  if (process.platform !== 'linux') return null;
  const prlimit = await findOnPath('prlimit', searchPath);
  if (prlimit === null) return null;
  // Nothing is written to files: pictures leave by a pipe.
  const limits = [`--data=${maxDataBytes}`, `--nofile=${maxHandles}`, '--fsize=0', '--core=0'];
  const wrap: ProcessLimiter['wrap'] = (program, words) => [
    prlimit,
    [...limits, '--', program, ...words],
  ];
  try {
    const [program, words] = wrap(prlimit, ['--version']);
    await promisify(execFile)(program, words, { timeout: 10_000, env: {} });
  } catch {
    return null;
  }
  return { describe: `limited by ${prlimit} ${limits.join(' ')}`, wrap };
}
