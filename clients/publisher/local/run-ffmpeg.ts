import type { FfmpegBinary } from '../../../src/video/ffmpeg/binary.ts';
import { type FfmpegProcess, startFfmpeg } from '../../../src/video/ffmpeg/process.ts';

/** Lines that are kept to say why it ended. */
const keptLines = 20;

/** An ffmpeg at work on an input of this machine. */
export type LocalFfmpeg = AsyncDisposable & {
  readonly process: FfmpegProcess;
  /** What it said last. */
  lastLine(): string;
};

/** Starts it; whoever started it disposes it, and `signal` ends it too. */
export function runFfmpeg(
  { path }: FfmpegBinary,
  args: readonly string[],
  { signal, onLine }: { readonly signal: AbortSignal; readonly onLine?: (line: string) => void },
): LocalFfmpeg {
  const lines: string[] = [];
  const child = startFfmpeg(path, args, {
    onLogLine(line) {
      onLine?.(line);
      if (line.trim() === '') return;
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
    },
  });
  const stop = () => void child.stop();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return {
    process: child,
    lastLine: () => (lines.at(-1) ?? 'nothing').replace(/^\[[^\]]*\] /, ''),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop);
      await child.stop();
    },
  };
}

/** What it says of an input: lines of its description, whatever it then makes of it. */
export async function linesOf(
  binary: FfmpegBinary,
  args: readonly string[],
  { signal, input }: { readonly signal: AbortSignal; readonly input?: Uint8Array },
): Promise<{ readonly lines: readonly string[]; readonly last: string }> {
  const lines: string[] = [];
  await using child = runFfmpeg(binary, args, { signal, onLine: (line) => lines.push(line) });
  child.process.stdin.end(input);
  child.process.stdout.resume();
  await child.process.exited;
  return { lines, last: child.lastLine() };
}
