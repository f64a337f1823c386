import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession } from './onnxruntime.ts';

/** How many operators of a graph ran on each execution provider, by the runtime's name for it. */
export type NodePlaces = Readonly<Record<string, number>>;

/**
 * Counts where the operators of a session run: one on a GPU leaves single operators to the CPU without
 * a word. It rests on the runtime's profiler, which makes every run slower.
 */
export class NodeProfile {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes a folder for the profile; `read` removes it. */
  static async open(): Promise<NodeProfile> {
    return new NodeProfile(await mkdtemp(join(tmpdir(), 'maskstream-profile-')));
  }

  /** What the session has to be made with. */
  get options(): Pick<InferenceSession.SessionOptions, 'enableProfiling' | 'profileFilePrefix'> {
    return { enableProfiling: true, profileFilePrefix: join(this.#folder, 'profile') };
  }

  /** Where each operator of all runs so far ran; null where there was no run. Only once. */
  async read(session: InferenceSession): Promise<NodePlaces | null> {
    session.endProfiling();
    try {
      const [file] = await readdir(this.#folder);
      if (file === undefined) return null;
      const text = await readFile(join(this.#folder, file), 'utf8');
      const places = countPlaces(JSON.parse(text) as ProfileEvent[]);
      return Object.keys(places).length === 0 ? null : places;
    } finally {
      await rm(this.#folder, { recursive: true });
    }
  }
}

type ProfileEvent = {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly provider?: string; readonly node_index?: string };
};

/** Each operator once, however often it ran. */
function countPlaces(events: readonly ProfileEvent[]): NodePlaces {
  const seen = new Set<string>();
  const counts: Record<string, number> = {};
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || name?.endsWith('_kernel_time') !== true) continue;
    const place = args?.provider ?? 'unknown';
    const key = `${place} ${args?.node_index} ${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}
