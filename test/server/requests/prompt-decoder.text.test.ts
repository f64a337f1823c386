import { describe, expect, test } from 'vitest';
import { SegmentationError } from '../../../src/frame/errors.ts';
import { PromptAction, PromptUpdate } from '../../../src/gen/maskstream/v1/video_request.ts';
import { decodePromptUpdate } from '../../../src/server/requests/prompt-decoder.ts';

const context = {
  model: { name: 'words', promptKinds: ['text', 'box'] as const },
  limits: { maxPoints: 8, maxObjects: 10, maxFramePixels: 10_000 },
  readMask: () => Promise.reject(new Error('no mask here')),
};

function decode(change: Record<string, unknown>) {
  const action = PromptAction.PROMPT_ACTION_ADD;
  const value = PromptUpdate.fromPartial({ action, ...change });
  return decodePromptUpdate({ value, mask: null }, context);
}

/** A model with one word. */
function checkPhrase(phrase: string): void {
  if (phrase !== 'dog') throw new SegmentationError('unknown-word', `unknown word "${phrase}"`);
}

describe('a text prompt', () => {
  test('with a word that the model does not know is refused before its frame comes', async () => {
    const model = { ...context.model, checkPhrase };
    const ask = (phrase: string) => {
      const action = PromptAction.PROMPT_ACTION_ADD;
      const text = { phrase, firstObjectId: 1 };
      const value = PromptUpdate.fromPartial({ action, text });
      return decodePromptUpdate({ value, mask: null }, { ...context, model });
    };
    await expect(ask('unicorn')).rejects.toMatchObject({ code: 'unknown-word' });
    await expect(ask('dog')).resolves.toMatchObject({ text: { phrase: 'dog' } });
  });

  test('takes its ids from first_object_id on', async () => {
    const { objectId, text } = await decode({
      text: { phrase: ' red car ', firstObjectId: 20, maxObjects: 3 },
    });
    expect(objectId).toBe(20);
    expect(text).toEqual({ phrase: 'red car', firstObjectId: 20, maxObjects: 3 });
  });

  test('takes object_id and one instance where nothing else is said', async () => {
    const { text } = await decode({ objectId: 4, text: { phrase: 'dog' } });
    expect(text).toEqual({ phrase: 'dog', firstObjectId: 4, maxObjects: 1 });
  });

  const dog = { phrase: 'dog', firstObjectId: 1 };
  const refused: [string, Parameters<typeof decode>[0], string][] = [
    ['with a box', { text: dog, box: { x: 0, y: 0, width: 1, height: 1 } }, 'stand alone'],
    ['that refines', { text: dog, action: PromptAction.PROMPT_ACTION_REFINE }, 'with ADD'],
    ['of no words', { text: { ...dog, phrase: '  ' } }, 'got an empty one'],
    ['without ids', { text: { phrase: 'dog' } }, 'object_id must be'],
    ['for too many', { text: { ...dog, maxObjects: 11 } }, 'at most 10'],
    ['past the last id', { text: { ...dog, firstObjectId: 65_535, maxObjects: 2 } }, 'got 65536'],
  ];

  test.each(refused)('%s is refused', async (_, change, message) => {
    await expect(decode(change)).rejects.toThrow(message);
  });
});
