import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { usageError } from '../../../frame/errors.ts';
import type { InputIdentity } from './input-identity.ts';

/** What a batch was asked for: everything that its results depend on, by the name of its option. */
export type BatchOptions = { readonly [option: string]: string };

/** Which inputs of a batch are done: on disk, so that a later run goes on where this one was stopped. */
export type BatchJournal = {
  /** The finished inputs of an earlier run. */
  readonly finished: readonly FinishedInput[];
  /** Writes down that an input is done, all of its files included. */
  add(input: FinishedInput): void;
};

/** An input whose results are written; `found`: --text found something in it. */
export type FinishedInput = InputIdentity & { readonly found: boolean };

const fileName = 'batch.jsonl';
const head = z.strictObject({ version: z.literal(1), options: z.record(z.string(), z.string()) });
const entry = z.strictObject({
  name: z.string(),
  path: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  found: z.boolean(),
});

/**
 * Opens the journal in `folder`, which is there. Lines that a killed run left half-written are dropped.
 *
 * Throws `usage` where an earlier run finished inputs with other options: its results and these would
 * be mixed.
 *
 * @param place what the user calls the results, for that message
 */
export function openJournal(folder: string, options: BatchOptions, place: string): BatchJournal {
  const file = join(folder, fileName);
  const earlier = readJournal(file);
  const finished = earlier?.finished ?? [];
  if (earlier !== null && finished.length > 0) {
    const difference = firstDifference(earlier.options, options);
    if (difference !== null) {
      throw usageError(
        `${place}: an interrupted batch is there, and ${difference}: give the same options to go on with it, or --restart to begin anew`,
      );
    }
  }
  const lines = [{ version: 1, options }, ...finished].map((line) => `${JSON.stringify(line)}\n`);
  writeFileSync(`${file}.partial`, lines.join(''));
  renameSync(`${file}.partial`, file);
  return {
    finished,
    add: (input) => appendFileSync(file, `${JSON.stringify(input)}\n`),
  };
}

/** Null: there is none, or not even its first line was written. */
function readJournal(file: string) {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const [first, ...rest] = text.split('\n');
  const known = head.safeParse(parsed(first ?? ''));
  if (!known.success) return null;
  const finished = rest.flatMap((line): FinishedInput[] => {
    const one = entry.safeParse(parsed(line));
    return one.success ? [one.data] : [];
  });
  return { options: known.data.options, finished };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function firstDifference(before: BatchOptions, now: BatchOptions): string | null {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  for (const name of names) {
    const [was, is] = [before[name], now[name]];
    if (was !== is) return `${name} was ${was ?? 'not given'}, now ${is ?? 'not given'}`;
  }
  return null;
}
