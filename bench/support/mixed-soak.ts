import { readdirSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { linearTrend } from './linear-trend.ts';
import { cell, machineName, markdownTable } from './markdown-table.ts';
import { readMemoryParts, type MemoryParts } from './memory-parts.ts';
import { conversations } from './mixed-load.ts';
import { readProcessState, type ProcessState } from './process-state.ts';
import {
  beginSoak,
  holdConversations,
  sampleWhile,
  totalOf,
  type ConversationCount,
  type SoakSetup,
} from './soak-load.ts';

/** What a server holds at one moment of the run. */
export type SoakSample = {
  readonly minute: number;
  readonly residentMb: number;
  readonly threads: number;
  readonly handles: number;
  readonly children: number;
  /** What the resident memory is mapped for. */
  readonly parts: MemoryParts;
};

/** What is written of a run, for `bench soak-plot`. */
export type SoakRecord = {
  readonly machine: string;
  readonly minutes: number;
  readonly warm: number;
  readonly conversations: number;
  readonly samples: readonly SoakSample[];
};

const sampleMs = 2000;
/** After the last conversation: connections without a call are closed after 30 s. */
const settleMs = 40_000;
const minuteMs = 60_000;

/**
 * Conversations of all kinds at random, some side by side, and what the server's memory does
 * meanwhile: its slope over the means of each minute after a warm-up, with the 95 % interval.
 */
export async function mixedSoak(setup: SoakSetup & { readonly minutes: number }): Promise<void> {
  const { server, minutes, options } = setup;
  const warm = options.number('warm');
  const load = await beginSoak(setup);
  await delay(settleMs);
  const before = readProcessState(server.pid);
  const startedMs = performance.now();
  const counts = new Map<string, ConversationCount>();
  const endMs = startedMs + minutes * minuteMs;
  const kinds = Object.keys(conversations);
  const held = holdConversations(load, { kinds, side: options.number('side'), endMs, counts });
  const samples = await sampleWhile(held, sampleMs, (): SoakSample => {
    const minute = (performance.now() - startedMs) / minuteMs;
    return { minute, ...readProcessState(server.pid), parts: readMemoryParts(server.pid) };
  });
  await delay(settleMs);
  const state = readProcessState(server.pid);
  print({ minutes, warm, samples, counts, before, state, spooled: spooledFiles(server.pid) });
  const file = options.text('samples');
  if (file === '') return;
  const record: SoakRecord = {
    machine: machineName(),
    minutes,
    warm,
    conversations: totalOf(counts),
    samples,
  };
  await writeFile(file, JSON.stringify(record));
}

/** Temporary files that the process still holds; they have no names. */
function spooledFiles(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const open = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return ''; // It was closed since it was listed.
    }
  });
  return open.filter((path) => /\/maskstream-.* \(deleted\)$/.test(path)).length;
}

function print(result: {
  readonly minutes: number;
  readonly warm: number;
  readonly samples: readonly SoakSample[];
  readonly counts: ReadonlyMap<string, ConversationCount>;
  readonly before: ProcessState;
  readonly state: ProcessState;
  readonly spooled: number;
}): void {
  const { minutes, warm, samples, counts, before, state, spooled } = result;
  console.log(`${machineName()}; ${minutes} minutes of conversations of all kinds\n`);
  const rows = [...counts].map(([name, { done, failed }]) => [name, String(done), String(failed)]);
  console.log(`${markdownTable(['conversation', 'done', 'failed'], rows)}\n`);
  const means = minuteMeans(samples, minutes, ({ residentMb }) => residentMb);
  const cells = means.map((mean) => cell(mean, 0)).join(' ');
  console.log(`Resident MB, mean of each minute: ${cells}`);
  const trendOf = (of: (sample: SoakSample) => number): string => {
    const steady = minuteMeans(samples, minutes, of).flatMap((mean, minute): [number, number][] =>
      minute < warm ? [] : [[minute / 60, mean]],
    );
    const { slope, low, high } = linearTrend(steady);
    return `${cell(slope, 1)} MB an hour, 95 % ${cell(low, 1)} to ${cell(high, 1)}`;
  };
  console.log(`Slope after ${warm} minutes: ${trendOf(({ residentMb }) => residentMb)}`);
  for (const part of ['arenas', 'code', 'files', 'other'] as const) {
    console.log(`  of this ${part}: ${trendOf(({ parts }) => parts[part])}`);
  }
  for (const [when, { threads, handles, children }] of [
    ['Before', before],
    ['At the end', state],
  ] as const) {
    console.log(`${when}: ${threads} threads, ${handles} handles, ${children} children`);
  }
  console.log(`Temporary files still held: ${spooled}`);
}

/** Means of all samples of each whole minute. */
function minuteMeans(
  samples: readonly SoakSample[],
  minutes: number,
  of: (sample: SoakSample) => number,
): number[] {
  return Array.from({ length: Math.floor(minutes) }, (_, minute) => {
    const own = samples.filter((sample) => Math.floor(sample.minute) === minute);
    return own.reduce((sum, sample) => sum + of(sample), 0) / Math.max(1, own.length);
  });
}
