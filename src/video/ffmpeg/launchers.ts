import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from './find-on-path.ts';

/** A program that takes something from the one that it starts. */
export type Launcher = {
  /** The program and its words; what it is to start comes behind them. */
  readonly words: readonly string[];
  /** What then holds of the child, a phrase each. */
  readonly holds: readonly string[];
};

/**
 * Memory of a decoder: a picture of 96 million pixels takes 0.4 GiB, 4K video with 16 reference
 * frames 0.4.
 */
const maxDataBytes = 768 * 1024 * 1024;

/** Its pipes, one file, and what its libraries open at start. */
const maxHandles = 64;

/** ffmpeg's threads: at most 16 of one filter or decoder, and one for each end. */
const maxProcesses = 64;

/**
 * Limits on memory, handles, files and core dumps by `prlimit` (util-linux), so that a small file
 * that describes a huge one costs its own decoder and nothing else. Null where there is no such
 * program, or it may not set limits.
 *
 * @param countsAlone the child's user has no other processes where they are counted: in a user
 *   namespace of its own. Elsewhere the limit would count all of the user's, and is not set.
 */
export async function findLimits(
  searchPath: string,
  { countsAlone }: { readonly countsAlone: boolean },
): Promise<Launcher | null> {
  const prlimit = await findOnPath('prlimit', searchPath);
  if (prlimit === null) return null;
  // Nothing is written to files: pictures leave by a pipe.
  const limits = [`--data=${maxDataBytes}`, `--nofile=${maxHandles}`, '--fsize=0', '--core=0'];
  if (countsAlone) limits.push(`--nproc=${maxProcesses}`);
  const words = [prlimit, ...limits, '--'];
  if (!(await runs([...words, prlimit, '--version']))) return null;
  return { words, holds: [`limited by ${prlimit} ${limits.join(' ')}`] };
}

/**
 * No new privileges (a set-user-id program gives none), no capabilities where the server is root, and
 * SIGKILL when the server ends, by `setpriv` (util-linux). Null where there is none that can.
 */
export async function findPrivileges(searchPath: string): Promise<Launcher | null> {
  const setpriv = await findOnPath('setpriv', searchPath);
  if (setpriv === null) return null;
  const isRoot = process.getuid?.() === 0;
  const none = isRoot ? ['--bounding-set=-all', '--inh-caps=-all'] : [];
  const words = [setpriv, '--no-new-privs', '--pdeathsig', 'KILL', ...none, '--'];
  if (!(await runs([...words, setpriv, '--version']))) return null;
  return {
    words,
    holds: ['no new privileges', 'no capabilities', 'killed when the server ends'],
  };
}

async function runs([program = '', ...words]: readonly string[]): Promise<boolean> {
  try {
    await promisify(execFile)(program, words, { timeout: 10_000, env: {} });
    return true;
  } catch {
    return false;
  }
}
