import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { filterDescriptor } from './seccomp-filter.ts';

/** What a child is started in. */
export type Enclosure = {
  /** The program and the words that start `program` with `words` in it. */
  wrap(program: string, words: readonly string[]): [program: string, words: readonly string[]];
  /** The system calls that the child may make, for the descriptor that `wrap` names; null: all. */
  readonly filter: Buffer | null;
};

/**
 * Starts `program` in its confinement: without a shell, with an empty environment, in the root folder
 * and in a session of its own. What a terminal sends on Ctrl-C reaches the server alone, which lets its
 * streams end.
 *
 * Throws what `spawn` throws.
 */
export function spawnConfined(
  program: string,
  words: readonly string[],
  options: {
    readonly confinement?: Enclosure | undefined;
    /** Inherited as descriptor 3. The caller closes its own. */
    readonly inputFd?: number | undefined;
  },
): ChildProcess {
  const { confinement, inputFd } = options;
  const filter = confinement?.filter ?? null;
  const [first, rest] = confinement?.wrap(program, words) ?? [program, words];
  const spawning: SpawnOptions = {
    cwd: '/',
    env: { LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe', inputFd ?? 'ignore', filter === null ? 'ignore' : 'pipe'],
    windowsHide: true,
    // Windows would give it a console of its own.
    detached: process.platform !== 'win32',
  };
  const child = spawn(first, rest, spawning);
  if (filter !== null) {
    // Absent, all of them, where there is no handle left.
    const { stdio } = child as { readonly stdio?: ChildProcess['stdio'] };
    const pipe = stdio?.[filterDescriptor] as Writable | null | undefined;
    pipe?.on('error', () => undefined).end(filter);
  }
  return child;
}

/** Longest that a try may take. */
const tryMs = 20_000;

/**
 * What a program prints that is run to see whether it can be.
 *
 * Throws what `spawn` throws, and an error with `stderr` where it fails or does not end.
 */
export async function outputOfConfined(
  program: string,
  words: readonly string[],
  confinement: Enclosure,
): Promise<string> {
  const child = spawnConfined(program, words, { confinement });
  const parts: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => (parts[name] += text));
  }
  child.stdin?.on('error', () => undefined).end();
  const timer = setTimeout(() => child.kill('SIGKILL'), tryMs);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (code === 0) return parts.stdout;
    const message = `${program} ended with ${signal ?? `exit code ${code}`}`;
    throw Object.assign(new Error(message), { stderr: parts.stderr });
  } finally {
    clearTimeout(timer);
  }
}
