import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process in a folder of its own that takes the place of the user's home and of /tmp. */
export type WatchedProcess = {
  readonly child: ChildProcessWithoutNullStreams;
  /** After its end: files that it or its children left in home, cache and temporary folder. */
  readonly filesLeft: () => string[];
  /** After its end: calls that reach for another machine or for a name. Empty without strace. */
  readonly reachedOut: () => string[];
};

/** Whether system calls can be watched: Linux with strace installed. */
export const canTrace = spawnSync('strace', ['-V']).status === 0;

/**
 * Starts `node` with `words` as a user without any settings would, children watched too. A name is
 * looked up where something speaks to port 53, on whatever address.
 */
export function startWatched(folder: string, words: readonly string[]): WatchedProcess {
  const home = join(folder, 'home');
  const temporary = join(folder, 'tmp');
  for (const place of [home, temporary]) mkdirSync(place, { recursive: true });
  const trace = join(folder, 'trace.txt');
  const tracer = ['-f', '-qq', '-o', trace, '-e', 'trace=connect,sendto,sendmsg,sendmmsg'];
  const command = [process.execPath, ...words];
  const [program = '', ...rest] = canTrace ? ['strace', ...tracer, ...command] : command;
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: temporary };
  const child = spawn(program, rest, { env });
  return {
    child,
    filesLeft: () => [home, temporary].flatMap((place) => filesBelow(place)),
    reachedOut: () => (canTrace ? readFileSync(trace, 'utf8').split('\n').filter(reachesOut) : []),
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}

function reachesOut(line: string): boolean {
  const address = /inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"/.exec(line)?.[1];
  if (address === undefined) return false;
  const isLoopback = /^(127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$)/.test(address);
  return !isLoopback || /htons\(53\)/.test(line);
}

/** The process that a tracer started. */
export function tracedChild(tracer: number): number {
  const children = readFileSync(`/proc/${tracer}/task/${tracer}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}
