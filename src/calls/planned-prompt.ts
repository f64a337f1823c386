import type { Mask } from '../frame/mask.ts';
import type { Prompts, PromptUpdate } from '../frame/prompt.ts';

/** One update to send, its mask as pixels; requests are numbered when they are sent. */
export type PlannedPrompt = Omit<PromptUpdate, 'requestId' | 'prompts'> & {
  readonly prompts: Omit<Prompts, 'mask'> & { readonly mask: Mask | null };
};

/** A prompt that says nothing yet, to be filled in. */
export function plannedPrompt(
  objectId: number,
  frameIndex: number,
  fields: Partial<Omit<PlannedPrompt, 'prompts'>> & { prompts?: Partial<PlannedPrompt['prompts']> },
): PlannedPrompt {
  return {
    objectId,
    action: 'add',
    at: { kind: 'frame', frameIndex },
    text: null,
    label: null,
    ...fields,
    prompts: { points: [], box: null, mask: null, ...fields.prompts },
  };
}
