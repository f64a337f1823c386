import { constants } from 'node:os';

/** How an ffmpeg ended. */
export type FfmpegExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly by: 'us' | 'others'; readonly signal: string }
  /** What should have started it could not. */
  | { readonly kind: 'not-started'; readonly reason: string };

/** Signals by which a program ends that did not mean to. ffmpeg's own codes are none of 128 + these. */
const fatal = ['SIGILL', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ'];

/** Of a program that starts another, as `prlimit` does: ffmpeg ends with others. */
const notStarted: ReadonlySet<number> = new Set([126, 127]);

/** Reads the end of a child that may have had others before it, which speak for it. */
export function readExit(end: {
  /** Null where a signal ended the child. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly by: 'us' | 'others';
  /**
   * The first line on standard error. What a client sends cannot forge it: ffmpeg begins a line with
   * its own words.
   */
  readonly firstLine: string | null;
  /** Whether a monitor between us and it reports signals as 128 and their number. */
  readonly hasMonitor: boolean;
}): FfmpegExit {
  const { exitCode, signal, by, firstLine, hasMonitor } = end;
  if (signal !== null) return { kind: 'killed', by, signal };
  const code = exitCode ?? 0;
  const launcher = /^(?:bwrap|setpriv|prlimit): .*/.exec(firstLine ?? '')?.[0];
  if (launcher !== undefined && code !== 0) return { kind: 'not-started', reason: launcher };
  if (notStarted.has(code)) return { kind: 'not-started', reason: `exit code ${code}` };
  const reported = hasMonitor ? fatal.find((name) => code === 128 + numberOf(name)) : undefined;
  return reported === undefined
    ? { kind: 'exited', exitCode: code }
    : { kind: 'killed', by, signal: reported };
}

function numberOf(name: string): number {
  return (constants.signals as Readonly<Record<string, number>>)[name] ?? Number.NaN;
}
