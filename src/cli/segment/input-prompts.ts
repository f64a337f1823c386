import { usageError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';
import type { CommandIo } from '../command.ts';
import { labelPrompts } from '../labels/label-prompts.ts';
import type { GivenPrompts } from '../prompt-flags.ts';
import type { Input } from './inputs.ts';

/** What is followed in one input. */
export type InputPrompts = {
  readonly prompts: readonly PlannedPrompt[];
  /** Display size that labels were drawn on; null where there are none. */
  readonly size: Size | null;
};

/**
 * What is followed in each input, in the order of the inputs. One without any prompt is left out, which
 * is said, but for one that was refused; so is what is left out of labels.
 *
 * Throws `usage` as {@link labelPrompts}, and where nothing is to be followed at all.
 */
export function promptsByInput(
  { prompts, labels, labelEvery }: GivenPrompts,
  inputs: readonly Input[],
  { stderr }: CommandIo,
): Map<Input, InputPrompts> {
  const found = new Map<Input, InputPrompts>();
  const labelled = labels === null ? null : labelPrompts(labels, inputs, labelEvery);
  const unlabelled: string[] = [];
  for (const input of inputs) {
    const own = labelled?.get(input);
    if (own === undefined && prompts.length === 0 && input.kind !== 'refused') {
      unlabelled.push(input.name);
      continue;
    }
    const all = [...prompts, ...(own?.prompts ?? [])];
    refuseTwice(own?.prompts ?? [], prompts, input);
    found.set(input, { prompts: all, size: own?.size ?? null });
    if (labelEvery === null && own !== undefined && own.every > 1) {
      const rest = `one labelled frame of ${own.every} is a prompt: a server takes no more`;
      stderr.write(`maskstream: ${input.name}: ${rest}\n`);
    }
  }
  const isAnyFollowed = [...found.keys()].some(({ kind }) => kind !== 'refused');
  if (!isAnyFollowed && unlabelled.length > 0) {
    throw usageError(`${labels?.file}: expected an object on a picture of the inputs, got none`);
  }
  if (unlabelled.length > 0) {
    const names = unlabelled.slice(0, mostNames).join(', ');
    const more = unlabelled.length > mostNames ? ` and ${unlabelled.length - mostNames} more` : '';
    stderr.write(`maskstream: left out without a labelled object: ${names}${more}\n`);
  }
  return found;
}

/** Names that a line has room for. */
const mostNames = 5;

function refuseTwice(
  labelled: readonly PlannedPrompt[],
  others: readonly PlannedPrompt[],
  { name }: Input,
): void {
  const ids = new Set(labelled.map(({ objectId }) => objectId));
  const twice = others.find(({ objectId, text }) => text === null && ids.has(objectId));
  if (twice === undefined) return;
  throw usageError(
    `${name}: expected object ${twice.objectId} on the command line or in the labels, got both`,
  );
}
