import type { Launcher } from './launchers.ts';
import { findLimits, findPrivileges } from './launchers.ts';
import { findSandbox } from './sandbox.ts';
import { seccompFilter } from './seccomp-filter.ts';
import { type Enclosure, outputOfConfined } from './spawn-confined.ts';

/** What of the machine is taken from a decoder. */
export type Confinement = Enclosure & {
  /** `sandbox`: bubblewrap; `privileges`: setpriv; `none`: its limits at most. */
  readonly kind: 'sandbox' | 'privileges' | 'none';
  /** Whether memory, handles and files are limited. */
  readonly isLimited: boolean;
  /** What holds, a phrase each. */
  readonly holds: readonly string[];
  /** Why nothing stricter holds, a sentence each. */
  readonly lacks: readonly string[];
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
    /** Drivers of hardware talk to it by calls of their own, ioctl above all: nothing is filtered. */
    readonly usesHardware: boolean;
  },
): Promise<{ readonly confinement: Confinement; readonly stdout: string }> {
  const lacks: string[] = options.mode === 'off' ? ['confinement: it is turned off'] : [];
  for (const candidate of candidates(program, options)) {
    const { kind, filter } = candidate;
    const launchers = await candidate.find();
    if (launchers === null) {
      if (filter === null) lacks.push(absent[kind]);
      continue;
    }
    const confinement = makeConfinement({ kind, filter, launchers, lacks });
    try {
      return { confinement, stdout: await outputOfConfined(program, words, confinement) };
    } catch (cause) {
      if (kind === 'none') throw cause;
      const what = filter === null ? kind : 'filter of system calls';
      lacks.push(`${what}: refused here, ${firstLine(cause)}`);
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
  readonly filter: Confinement['filter'];
  /** Null: not to be had here. */
  find(): Promise<readonly Launcher[] | null>;
};

/** From the strictest on; the last is always to be had. */
function candidates(program: string, options: Parameters<typeof confine>[2]): readonly Candidate[] {
  const { searchPath, mode, devices, usesHardware } = options;
  const limits = async (countsAlone: boolean): Promise<readonly Launcher[]> => {
    if (process.platform !== 'linux') return [];
    const found = await findLimits(searchPath, { countsAlone });
    return found === null ? [] : [found];
  };
  const behind = async (outer: Launcher | null, countsAlone: boolean) =>
    outer === null ? null : [outer, ...(await limits(countsAlone))];
  const none: Candidate = { kind: 'none', filter: null, find: () => limits(false) };
  if (mode === 'off') return [none];
  const sandbox = (filter: Buffer | null): Candidate => {
    const isFiltered = filter !== null;
    const found = () => findSandbox(program, searchPath, { devices, isFiltered });
    return { kind: 'sandbox', filter, find: async () => behind(await found(), true) };
  };
  const filter = usesHardware ? null : seccompFilter();
  return [
    ...(filter === null ? [] : [sandbox(filter)]),
    sandbox(null),
    {
      kind: 'privileges',
      filter: null,
      find: async () => behind(await findPrivileges(searchPath), false),
    },
    none,
  ];
}

function makeConfinement(
  parts: Pick<Confinement, 'kind' | 'filter' | 'lacks'> & {
    readonly launchers: readonly Launcher[];
  },
): Confinement {
  const { kind, filter, launchers, lacks } = parts;
  const before = launchers.flatMap(({ words }) => words);
  const holds = launchers.flatMap((launcher) => launcher.holds);
  const isLimited = launchers.length > (kind === 'none' ? 0 : 1);
  return {
    kind,
    filter,
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
