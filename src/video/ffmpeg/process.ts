import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { SegmentationError } from '../../frame/errors.ts';
import { shortageOf } from '../../frame/shortage.ts';
import { splitLines } from './log-lines.ts';
import type { ProcessLimiter } from './process-limiter.ts';

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
 *
 * @throws SegmentationError `server-exhausted`, `decoder-failed`.
 */
export function startFfmpeg(
  path: string,
  args: readonly string[],
  options: {
    /** Called for each line on standard error. */
    readonly onLogLine: (line: string) => void;
    /** Bounds what the child may take of the machine. Default: nothing does. */
    readonly limiter?: ProcessLimiter | null;
    /** Inherited as descriptor 3. The caller closes its own. */
    readonly inputFd?: number;
  },
): FfmpegProcess {
  const [program, words] = options.limiter?.wrap(path, args) ?? [path, args];
  const child = spawnChild(program, words, options.inputFd);
  // Before anything else is looked at: without a listener an error would end the process.
  child.on('error', () => undefined);
  const { stdin, stdout, stderr } = child;
  // Undefined, whatever the types say, where there is no handle left for a pipe.
  if (!stdin || !stdout || !stderr) throw failedStart({ code: 'EMFILE' });
  // ffmpeg may go before its input does; what counts is how it ended, seen in `exited`.
  stdin.on('error', () => undefined);
  stdout.on('error', () => undefined);
  stderr.setEncoding('utf8').on('data', splitLines(options.onLogLine));

  let stopping = false;
  const exited = new Promise<FfmpegExit>((resolve, reject) => {
    child.once('error', (cause) => {
      if (child.pid === undefined) reject(failedStart(cause));
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

function spawnChild(
  program: string,
  words: readonly string[],
  inputFd: number | undefined,
): ChildProcess {
  try {
    return spawn(program, words, {
      cwd: '/',
      env: { LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe', ...(inputFd === undefined ? [] : [inputFd])],
      windowsHide: true,
    });
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
