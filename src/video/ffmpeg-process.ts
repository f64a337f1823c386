import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { SegmentationError } from '../frame/errors.ts';
import { splitLines } from './log-lines.ts';

/** How an ffmpeg ended. */
export type FfmpegExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly by: 'us' | 'others'; readonly signal: string };

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
 * Starts ffmpeg without a shell, with an empty environment, in the root folder: nothing that a
 * client sends can name a variable, a relative file or a command.
 */
export function startFfmpeg(
  path: string,
  args: readonly string[],
  options: {
    /** Called for each line on standard error. */
    readonly onLogLine: (line: string) => void;
    /** Inherited as descriptor 3. The caller closes its own. */
    readonly inputFd?: number;
  },
): FfmpegProcess {
  const extra = options.inputFd === undefined ? [] : [options.inputFd];
  const child = spawn(path, args, {
    cwd: '/',
    env: { LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe', ...extra],
    windowsHide: true,
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) {
    throw new SegmentationError('decoder-failed', 'expected ffmpeg to have three pipes');
  }
  // ffmpeg may go before its input does; what counts is how it ended, seen in `exited`.
  stdin.on('error', () => undefined);
  stdout.on('error', () => undefined);
  stderr.setEncoding('utf8').on('data', splitLines(options.onLogLine));

  let stopping = false;
  const exited = new Promise<FfmpegExit>((resolve, reject) => {
    child.once('error', (cause) => {
      if (child.pid === undefined) {
        reject(new SegmentationError('decoder-failed', 'ffmpeg could not be started', { cause }));
      }
    });
    child.once('close', (exitCode, signal) => {
      if (signal === null) resolve({ kind: 'exited', exitCode: exitCode ?? 0 });
      else resolve({ kind: 'killed', by: stopping ? 'us' : 'others', signal });
    });
  });
  // Whoever stops early may never look at `exited`.
  exited.catch(() => undefined);

  const stop = async (): Promise<void> => {
    if (child.pid === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      stopping = true;
      stdin.destroy();
      child.kill('SIGTERM');
      const lastResort = setTimeout(() => child.kill('SIGKILL'), termGraceMs);
      child.once('exit', () => clearTimeout(lastResort));
    }
    // An unread pipe would keep `close` from coming.
    stdout.destroy();
    stderr.resume();
    await exited.catch(() => undefined);
  };
  return { pid: child.pid, stdin, stdout, exited, stop };
}
