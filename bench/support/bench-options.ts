import { usageError } from '../../src/frame/errors.ts';
import { parseArgs } from 'node:util';

/** Options of a bench, each `--name VALUE`, in place of defaults. */
export type BenchOptions = {
  text(name: string): string;
  number(name: string): number;
  numbers(name: string): number[];
  list(name: string): string[];
};

/**
 * Reads `--name VALUE` from the command line.
 *
 * @param defaults every option that the bench knows, as text; empty means none
 * @throws SegmentationError `usage` for another option or a number that is none
 */
export function readBenchOptions(defaults: Readonly<Record<string, string>>): BenchOptions {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { type: 'string' as const, default: value },
    ]),
  );
  const { values } = parseArgs({ options });
  const text = (name: string) => values[name] ?? '';
  const list = (name: string) =>
    text(name)
      .split(',')
      .filter((word) => word !== '');
  return {
    text,
    list,
    number: (name) => parse(name, text(name)),
    numbers: (name) => list(name).map((word) => parse(name, word)),
  };
}

function parse(name: string, word: string): number {
  const number = Number(word);
  if (!Number.isFinite(number)) throw usageError(`--${name}: expected a number, got "${word}"`);
  return number;
}
