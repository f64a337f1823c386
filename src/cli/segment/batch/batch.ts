import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../output/make-folder.ts';
import type { OutputFormat } from '../../output/output-format.ts';
import type { Input } from '../inputs.ts';
import type { OutputSet } from '../output-set.ts';
import type { InputIdentity } from './input-identity.ts';
import { identify, isSameInput } from './input-identity.ts';
import type { BatchOptions } from './journal.ts';
import { openJournal } from './journal.ts';
import { keepFrames, replayFrames } from './kept-frames.ts';

/** Several inputs of one command line, of which an earlier run may have finished some. */
export type Batch = {
  /** Where results go meanwhile; `close` completes them in the order of the inputs. */
  readonly outputs: OutputSet;
  /** Inputs that are not done yet. */
  readonly waiting: readonly Input[];
  /** Whether --text found something in one that is. */
  readonly foundBefore: boolean;
  /** Whether the same command would go on where this run ends. */
  goesOn(): boolean;
  /** An input's output is closed. */
  finished(input: Input, found: boolean): void;
};

/** Forms in which all inputs go into one thing: their frames are kept until the last one is done. */
const shared: readonly OutputFormat[] = ['zip', 'coco', 'ytvis', 'yolo'];
/** Forms whose PATH is a file, so that nothing can be put inside. */
const files: readonly OutputFormat[] = ['zip', 'coco', 'ytvis'];

/**
 * Opens a batch. What is needed to go on after an interruption lies in `.unfinished` in the folder of
 * the results (`NAME.unfinished` beside a file) until the batch is done.
 *
 * Throws `usage` where an earlier run had other options, `unreadable-file`.
 *
 * @param set where the results go
 * @param options.asked all that the results depend on
 * @param options.restart forget what an earlier run did
 */
export async function openBatch(
  set: OutputSet,
  inputs: readonly Input[],
  options: {
    readonly out: string;
    readonly format: OutputFormat;
    readonly asked: BatchOptions;
    readonly restart: boolean;
  },
): Promise<Batch> {
  const { out, format } = options;
  const place = out.replace(/(?<=.)\/+$/, '');
  const folder = files.includes(format) ? `${place}.unfinished` : join(place, '.unfinished');
  if (options.restart) rmSync(folder, { recursive: true, force: true });
  const removeEmpty = makeFolder(folder);
  const journal = openJournal(folder, options.asked, out);
  let anyFinished = journal.finished.length > 0;
  const isShared = shared.includes(format);
  const partOf = ({ name }: InputIdentity | Input) => join(folder, `${name}.jsonl`);
  const identities = new Map<Input, InputIdentity | null>();
  for (const input of inputs) identities.set(input, await identify(input));
  const doneBefore = (input: Input) => {
    const identity = identities.get(input) ?? null;
    const known = journal.finished.find((one) => identity !== null && isSameInput(one, identity));
    const isThere = existsSync(isShared ? partOf(input) : set.placeOf(input));
    return isThere ? (known ?? null) : null;
  };
  const before = new Map(inputs.map((input) => [input, doneBefore(input)]));
  const forget = () => {
    rmSync(folder, { recursive: true, force: true });
    removeEmpty();
  };
  const output = (input: Input) => keepFrames(partOf(input));
  return {
    outputs: {
      ...set,
      ...(isShared ? { output, video: output } : {}),
      async close() {
        for (const input of isShared ? inputs : []) {
          await replayFrames(partOf(input), set.output(input));
        }
        await set.close();
        forget();
      },
      async discard() {
        if (!anyFinished) forget();
        await set.discard();
      },
    },
    waiting: inputs.filter((input) => before.get(input) === null),
    foundBefore: [...before.values()].some((known) => known?.found === true),
    goesOn: () => anyFinished,
    finished(input, found) {
      const identity = identities.get(input) ?? null;
      if (identity === null) return;
      anyFinished = true;
      journal.add({ ...identity, found });
    },
  };
}
