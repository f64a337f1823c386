import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { SegmentationError } from '../../frame/errors.ts';
import { shortageOf } from '../../frame/shortage.ts';
import { childrenOf } from '../../process-tree.ts';
import { readExit } from './exit.ts';
import type { FfmpegExit } from './exit.ts';
import { splitLines } from './log-lines.ts';
import type { Confinement } from './confinement.ts';
import { spawnConfined } from './spawn-confined.ts';
import { yieldProcessor } from './yield-processor.ts';

/** A running ffmpeg; `stop` must be awaited in every case, so that no child stays behind. */
export type FfmpegProcess = {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the child is reaped and its pipes are closed; rejects where it never ran. */
  readonly exited: Promise<FfmpegExit>;
  /** Ends the child, gently first; settles when it is reaped. Idempotent. */
  stop(): Promise<void>;
};

/** How long ffmpeg may take to obey SIGTERM before SIGKILL. */
const termGraceMs = 500;

/**
 * Starts ffmpeg as {@link spawnConfined} does: nothing that a client sends can name a variable, a
 * relative file or a command.
 *
 * @throws SegmentationError `server-exhausted`, `decoder-failed`.
 */
export function startFfmpeg(
  path: string,
  args: readonly string[],
  options: {
    /** Called for each line on standard error. */
    readonly onLogLine: (line: string) => void;
    /** What of the machine is taken from the child. Default: nothing. */
    readonly confinement?: Confinement;
    /** It has what others leave of the processors. Default: false. */
    readonly yields?: boolean;
    /** Inherited as descriptor 3. The caller closes its own. */
    readonly inputFd?: number;
  },
): FfmpegProcess {
  const { confinement } = options;
  const child = spawnChild(path, args, options);
  // Before anything else is looked at: without a listener an error would end the process.
  child.on('error', () => undefined);
  const { stdin, stdout, stderr } = child;
  // Undefined, whatever the types say, where there is no handle left for a pipe.
  if (!stdin || !stdout || !stderr) throw failedStart({ code: 'EMFILE' });
  // ffmpeg may go before its input does; what counts is how it ended, seen in `exited`.
  stdin.on('error', () => undefined);
  stdout.on('error', () => undefined);
  const hasMonitor = confinement?.hasMonitor === true;
  let firstLine: string | null = null;
  // Once it writes it is ffmpeg: no launcher before it has anything to wait for.
  let hasYielded = options.yields !== true;
  const onLine = (line: string): void => {
    firstLine ??= line;
    if (!hasYielded) hasYielded = yieldProcessor(ffmpegIds(child, hasMonitor));
    options.onLogLine(line);
  };
  stderr.setEncoding('utf8').on('data', splitLines(onLine));

  let stopping = false;
  const exited = new Promise<FfmpegExit>((resolve, reject) => {
    child.once('error', (cause) => {
      if (child.pid === undefined) reject(failedStart(cause));
    });
    child.once('close', (exitCode, bySignal) => {
      const by = stopping ? 'us' : 'others';
      resolve(readExit({ exitCode, signal: bySignal, by, firstLine, hasMonitor }));
    });
  });
  // Whoever stops early may never look at `exited`.
  exited.catch(() => undefined);

  const stop = async (): Promise<void> => {
    if (child.pid === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      stopping = true;
      stdin.destroy();
      signal(child, 'SIGTERM', hasMonitor);
      const lastResort = setTimeout(() => signal(child, 'SIGKILL', hasMonitor), termGraceMs);
      child.once('exit', () => clearTimeout(lastResort));
    }
    // An unread pipe would keep `close` from coming.
    stdout.destroy();
    stderr.resume();
    await exited.catch(() => undefined);
  };
  return { pid: child.pid, stdin, stdout, exited, stop };
}

/** The child itself, or what its monitor has started. */
function ffmpegIds({ pid }: ChildProcess, hasMonitor: boolean): number[] {
  if (pid === undefined) return [];
  return hasMonitor ? childrenOf(pid) : [pid];
}

/**
 * Signals ffmpeg itself. A monitor before it ends with it; one that is killed while it sets up the
 * sandbox would leave a child that waits for it for ever. Where ffmpeg has not begun yet it will find
 * its input at an end.
 */
function signal(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL', hasMonitor: boolean): void {
  const inside = hasMonitor ? ffmpegIds(child, hasMonitor) : [];
  if (inside.length === 0) {
    if (!hasMonitor || name === 'SIGKILL') child.kill(name);
    return;
  }
  for (const id of inside) {
    try {
      process.kill(id, name);
    } catch {
      // It has ended since it was listed.
    }
  }
  // One that is frozen would never see that what it waits for has ended.
  if (name === 'SIGKILL') child.kill(name);
}

function spawnChild(
  program: string,
  words: readonly string[],
  options: Parameters<typeof spawnConfined>[2],
): ChildProcess {
  try {
    return spawnConfined(program, words, options);
  } catch (cause) {
    throw failedStart(cause);
  }
}

function failedStart(cause: unknown): SegmentationError {
  return (
    shortageOf(cause) ??
    new SegmentationError('decoder-failed', 'ffmpeg could not be started', { cause })
  );
}
