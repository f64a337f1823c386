import { createHash } from 'node:crypto';
import type { Mask } from '../../../frame/mask.ts';
import { compressedMask } from '../../../formats/compressed-mask.ts';
import type { Arguments, Option } from '../../command.ts';
import type { GivenPrompts } from '../../prompt-flags.ts';
import { clientOptions } from '../../open-client.ts';
import type { BatchOptions } from './journal.ts';

/** Options that say how a batch is worked on. */
export const batchOptions = {
  jobs: {
    kind: 'text',
    placeholder: 'N',
    help: 'Inputs that are worked on side by side. Default: 1.',
  },
  'keep-going': {
    kind: 'flag',
    help: 'An input that fails does not stop the others; the exit code is 1 all the same.',
  },
  restart: {
    kind: 'flag',
    help: 'Begin a batch anew that was interrupted, in place of going on with it.',
  },
} as const satisfies Record<string, Option>;

/** Options that change nothing in the results: a batch goes on with other ones, too. */
const irrelevant: ReadonlySet<string> = new Set([
  ...Object.keys(batchOptions),
  ...Object.keys(clientOptions),
  'config',
  'json',
  'out',
  // Their files are read into the prompts, whose print is taken.
  'mask',
  'prompts',
]);

/**
 * All that the results of a command line depend on besides its inputs.
 *
 * @param program version of this program
 */
export function batchOptionsOf(
  args: Arguments,
  {
    given,
    program,
    model,
  }: {
    readonly given: GivenPrompts;
    readonly program: string;
    readonly model: string;
  },
): BatchOptions {
  const named = [
    ...[...args.flags].map((name) => [name, 'on'] as const),
    ...args.texts,
    ...[...args.lists].map(([name, values]) => [name, values.join(' ')] as const),
  ].filter(([name]) => !irrelevant.has(name));
  return {
    maskstream: program,
    ...Object.fromEntries(named.map(([name, value]) => [`--${name}`, value])),
    '--model': model,
    prompts: printOf(given),
  };
}

/** Tells one set of prompts from another. */
function printOf(given: GivenPrompts): string {
  const text = JSON.stringify(given, (_name, value: unknown) =>
    isMask(value) ? compressedMask(value).counts : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function isMask(value: unknown): value is Mask {
  return typeof value === 'object' && value !== null && 'bits' in value;
}
