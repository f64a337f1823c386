import { linearTrend } from './linear-trend.ts';
import { cell, machineName, markdownTable } from './markdown-table.ts';
import { readMemoryParts, type MemoryParts } from './memory-parts.ts';
import { conversations } from './mixed-load.ts';
import { readProcessState } from './process-state.ts';
import {
  beginSoak,
  holdConversations,
  sampleWhile,
  totalOf,
  type ConversationCount,
  type SoakSetup,
} from './soak-load.ts';

type Sample = MemoryParts & { readonly done: number; readonly residentMb: number };

const sampleMs = 500;
const secondMs = 1000;
/** Of a kind's time, before its memory is looked at: the kind before it leaves something to fill. */
const warmShare = 0.25;
/** Means of neighbouring samples, which the line goes through. */
const groups = 10;

/**
 * Each kind of conversation alone for `--each` seconds against one server: what a thousand of them add
 * to its memory, so that a rise of the mixed load has a name within minutes.
 */
export async function kindsSoak(setup: SoakSetup): Promise<void> {
  const { server, options } = setup;
  const load = await beginSoak(setup);
  const durationMs = options.number('each') * secondMs;
  const rows: string[][] = [];
  for (const kind of Object.keys(conversations)) {
    const counts = new Map<string, ConversationCount>();
    const endMs = performance.now() + durationMs;
    const side = options.number('side');
    const held = holdConversations(load, { kinds: [kind], side, endMs, counts });
    const samples = await sampleWhile(held, sampleMs, (): Sample => {
      const { residentMb } = readProcessState(server.pid);
      return { done: totalOf(counts), residentMb, ...readMemoryParts(server.pid) };
    });
    rows.push([kind, ...kindCells(counts.get(kind) ?? { done: 0, failed: 0 }, samples)]);
  }
  console.log(`${machineName()}; ${options.text('each')} s of each kind alone\n`);
  const columns = ['done', 'failed', 'resident MB, first and last', 'arenas MB'];
  console.log(markdownTable(['conversation', ...columns, 'MB per 1,000 (95 %)'], rows));
}

function kindCells({ done, failed }: ConversationCount, samples: readonly Sample[]): string[] {
  const steady = samples.slice(Math.floor(samples.length * warmShare));
  const ends = (of: (sample: Sample) => number) =>
    [samples[0], samples.at(-1)].map((sample) => (sample ? cell(of(sample), 0) : '-')).join(', ');
  const size = Math.max(1, Math.floor(steady.length / groups));
  const points = Array.from({ length: Math.floor(steady.length / size) }, (_, index) => {
    const own = steady.slice(index * size, (index + 1) * size);
    const mean = (of: (sample: Sample) => number) =>
      own.reduce((sum, sample) => sum + of(sample), 0) / own.length;
    return [mean((sample) => sample.done / 1000), mean((sample) => sample.residentMb)] as const;
  });
  const { slope, low, high } = linearTrend(points);
  return [
    String(done),
    String(failed),
    ends(({ residentMb }) => residentMb),
    ends(({ arenas }) => arenas),
    `${cell(slope, 1)} (${cell(low, 1)} to ${cell(high, 1)})`,
  ];
}
