import { stat } from 'node:fs/promises';
import { countMp4Frames } from '../../../video/index.ts';
import type { CommandIo } from '../../command.ts';
import { createProgressLine } from '../../progress.ts';
import type { Input } from '../inputs.ts';
import { estimateFrames } from './frame-estimate.ts';

/** One input's part in the bar of all. */
export type InputProgress = {
  /** One more frame is written. */
  frame(): void;
  /** A line for the user on standard error, which names the input. */
  say(message: string): void;
  /** All frames are written: a line on standard output, which names the input. */
  end(line: string): void;
};

/** One bar for all inputs of a command line. */
export type BatchProgress = {
  begin(input: Input): InputProgress;
  /** Clears the line, so that what follows starts at its beginning. */
  finish(): void;
};

/**
 * Looks at what the inputs say of their length, and starts the clock.
 *
 * @param inputs those that there is work on
 */
export async function createBatchProgress(
  io: CommandIo,
  inputs: readonly Input[],
): Promise<BatchProgress> {
  const works = new Map(
    await Promise.all(inputs.map(async (input) => [input, await workOn(input)] as const)),
  );
  const line = createProgressLine(io);
  let over = 0;
  const draw = () => {
    const all = [...works.values()];
    const label = inputs.length === 1 ? (inputs[0]?.name ?? '') : `${over}/${inputs.length} inputs`;
    const done = all.reduce((sum, work) => sum + work.done, 0);
    line.draw({ label, done, total: estimateFrames(all) });
  };
  return {
    begin: (input) => ({
      frame() {
        const work = works.get(input);
        if (work !== undefined) work.done++;
        draw();
      },
      say(message) {
        line.clear();
        io.stderr.write(`maskstream: ${input.name}: ${message}\n`);
      },
      end(text) {
        const work = works.get(input);
        if (work !== undefined) work.isOver = true;
        over++;
        line.clear();
        io.stdout.write(`${input.name}: ${text}\n`);
        if (over < inputs.length) draw();
      },
    }),
    finish: () => line.clear(),
  };
}

async function workOn(input: Input) {
  return { ...(await lengthOf(input)), done: 0, isOver: false };
}

async function lengthOf(input: Input) {
  if (input.kind === 'refused') return { bytes: null, expected: 0 };
  if (input.kind === 'sequence') return { bytes: null, expected: input.files.length };
  if (input.kind === 'image') return { bytes: null, expected: 1 };
  if (input.source.kind === 'pipe') return { bytes: null, expected: null };
  const { path } = input.source;
  const expected = input.container === 'mp4' ? await countMp4Frames(path) : null;
  return { bytes: (await stat(path)).size, expected };
}
