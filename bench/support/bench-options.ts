import { parseArgs, type ParseArgsConfig } from 'node:util';
import { parseProblem } from '../../src/cli/command.ts';
import { usageError } from '../../src/frame/errors.ts';

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
  const { values } = parseBenchWords({ options });
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

/**
 * Node's `parseArgs` for a bench.
 *
 * @throws SegmentationError `usage` for words that it does not take: one line with the option that was
 *   probably meant, and all that there are
 */
export function parseBenchWords<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const names = Object.keys(config.options ?? {});
    const problem = parseProblem(error, names);
    if (problem === null) throw error;
    const known = names.length === 0 ? 'none' : names.map((name) => `--${name}`).join(', ');
    // Node's advice is several sentences, or lines.
    throw usageError(`${problem.split(/[.\n]/, 1)[0]} (options: ${known})`);
  }
}

function parse(name: string, word: string): number {
  const number = Number(word);
  if (!Number.isFinite(number)) throw usageError(`--${name}: expected a number, got "${word}"`);
  return number;
}
