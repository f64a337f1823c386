import type { PromptUpdate } from '../frame/prompt.ts';
import { usageError } from './command.ts';

/** One update to send; requests are numbered when they are sent. */
export type PlannedPrompt = Omit<PromptUpdate, 'requestId'>;

/** The command line writes ids into 8-bit PNGs, so it takes fewer than the wire's 65535. */
export const maxCliObjectId = 255;

/** Reads an object id. Throws `usage` naming `where`. */
export function parseObjectId(text: string, where: string): number {
  const id = Number(text);
  if (!/^\d+$/.test(text) || id < 1 || id > maxCliObjectId) {
    throw usageError(`${where}: expected an object id of 1 to ${maxCliObjectId}, got "${text}"`);
  }
  return id;
}

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
