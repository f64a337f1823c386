import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Launcher } from './launchers.ts';
import { findLimits, findPrivileges } from './launchers.ts';
import { findSandbox } from './sandbox.ts';

/** What of the machine is taken from a decoder. */
export type Confinement = {
  /** `sandbox`: bubblewrap; `privileges`: setpriv; `none`: its limits at most. */
  readonly kind: 'sandbox' | 'privileges' | 'none';
  /** Whether memory, handles and files are limited. */
  readonly isLimited: boolean;
  /** What holds, a phrase each. */
  readonly holds: readonly string[];
  /** Why nothing stricter holds, a sentence each. */
  readonly lacks: readonly string[];
  /** The program and the words that start `program` with `words` in it. */
  wrap(program: string, words: readonly string[]): [program: string, words: readonly string[]];
  /** A program between us and ffmpeg that reports its end by a signal as 128 and the signal. */
  readonly hasMonitor: boolean;
};

/** `auto`: the strictest that works here; `off`: limits alone. */
export type ConfineMode = 'auto' | 'off';

/**
 * Starts `program` with `words` in the strictest confinement in which it runs, and says which that
 * is and what it printed. Throws what `execFile` throws where it does not run at all.
 */
export async function confine(
  program: string,
  words: readonly string[],
  options: {
    readonly searchPath: string;
    readonly mode: ConfineMode;
    readonly devices?: readonly string[];
  },
): Promise<{ readonly confinement: Confinement; readonly stdout: string }> {
  const lacks: string[] = options.mode === 'off' ? ['confinement: it is turned off'] : [];
  for (const candidate of candidates(program, options)) {
    const { kind } = candidate;
    const launchers = await candidate.find();
    if (launchers === null) {
      lacks.push(absent[kind]);
      continue;
    }
    const confinement = makeConfinement(kind, launchers, lacks);
    try {
      const [first, rest] = confinement.wrap(program, words);
      const { stdout } = await promisify(execFile)(first, rest, { timeout: 10_000, env: {} });
      return { confinement, stdout };
    } catch (cause) {
      if (kind === 'none') throw cause;
      lacks.push(`${kind}: refused here, ${firstLine(cause)}`);
    }
  }
  throw new Error('expected a confinement of the kind none');
}

const absent = {
  sandbox: 'sandbox: there is no bubblewrap (bwrap) here',
  privileges: 'privileges: there is no setpriv of util-linux here that can drop them',
  none: '',
} as const;

type Candidate = {
  readonly kind: Confinement['kind'];
  /** Null: not to be had here. */
  find(): Promise<readonly Launcher[] | null>;
};

/** From the strictest on; the last is always to be had. */
function candidates(program: string, options: Parameters<typeof confine>[2]): readonly Candidate[] {
  const { searchPath, mode, devices } = options;
  const limits = async (countsAlone: boolean): Promise<readonly Launcher[]> => {
    if (process.platform !== 'linux') return [];
    const found = await findLimits(searchPath, { countsAlone });
    return found === null ? [] : [found];
  };
  const behind = async (outer: Launcher | null, countsAlone: boolean) =>
    outer === null ? null : [outer, ...(await limits(countsAlone))];
  const none: Candidate = { kind: 'none', find: () => limits(false) };
  if (mode === 'off') return [none];
  return [
    {
      kind: 'sandbox',
      find: async () => behind(await findSandbox(program, searchPath, devices), true),
    },
    { kind: 'privileges', find: async () => behind(await findPrivileges(searchPath), false) },
    none,
  ];
}

function makeConfinement(
  kind: Confinement['kind'],
  launchers: readonly Launcher[],
  lacks: readonly string[],
): Confinement {
  const before = launchers.flatMap(({ words }) => words);
  const holds = launchers.flatMap((launcher) => launcher.holds);
  const isLimited = launchers.length > (kind === 'none' ? 0 : 1);
  return {
    kind,
    isLimited,
    holds,
    lacks: isLimited
      ? lacks
      : [...lacks, 'limits: there is no prlimit of util-linux here that can set them'],
    hasMonitor: kind === 'sandbox',
    wrap: (program, words) => {
      const [first = program, ...rest] = [...before, program, ...words];
      return [first, rest];
    },
  };
}

function firstLine(cause: unknown): string {
  const { stderr, message } = cause as { readonly stderr?: string; readonly message?: string };
  return (stderr?.trim() || message || String(cause)).split('\n')[0]?.slice(0, 200) ?? '';
}
