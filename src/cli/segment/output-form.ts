import { once } from 'node:events';
import { usageError } from '../../frame/errors.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { createJsonLines } from '../../formats/json-lines.ts';
import { createSampledOutput } from '../../formats/sampled-output.ts';
import type { Arguments, CommandIo } from '../command.ts';
import type { OutputFormat } from '../output/output-format.ts';
import { outputFormat } from '../output/output-format.ts';
import type { OverlayStyle } from '../output/overlay-style.ts';
import { overlayStyle } from '../output/overlay-style.ts';

/** Where results go, and in which form. */
export type OutputForm = {
  readonly out: string;
  readonly style: OverlayStyle;
  readonly format: OutputFormat;
};

/** Null: `--json` alone. Throws `usage`. */
export function readForm(args: Arguments): OutputForm | null {
  const out = args.texts.get('out');
  const style = overlayStyle(args.texts.get('overlay'));
  if (out !== undefined && out !== '') {
    return { out, style, format: outputFormat(out, args.texts.get('format')) };
  }
  if (!args.flags.has('json')) throw usageError('expected --out PATH, got none');
  if (args.texts.has('format')) throw usageError('--format: expected --out PATH with it, got none');
  return null;
}

/**
 * What `--fps` and `--json` put before the output of an input; `input` is its name where there are
 * several. Throws `usage`.
 */
export function readSampling(
  args: Arguments,
  io: CommandIo,
): (output: Output, input?: string) => Output {
  const framesPerSecond = parseRate(args, 'fps');
  const writeLine = async (line: string): Promise<void> => {
    if (!io.stdout.write(line)) await once(io.stdout, 'drain', { signal: io.signal });
  };
  return (output, input) => {
    const named = input === undefined ? {} : { input };
    const lines = args.flags.has('json')
      ? createJsonLines(output, { writeLine, ...named })
      : output;
    return framesPerSecond === null ? lines : createSampledOutput(lines, framesPerSecond);
  };
}

/** As the server has it. */
const maxRate = 1000;

/** Frames a second; null where the option is not given. Throws `usage`. */
export function parseRate(args: Arguments, option: 'frame-rate' | 'fps'): number | null {
  const text = args.texts.get(option);
  if (text === undefined) return null;
  const rate = text.trim() === '' ? Number.NaN : Number(text);
  if (!(rate > 0 && rate <= maxRate)) {
    throw usageError(
      `--${option}: expected frames a second above 0 and at most ${maxRate}, got "${text}"`,
    );
  }
  return rate;
}
