import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Conversation, playConversation } from '../../../fixtures/play-conversation.ts';

const folder = fileURLToPath(new URL('../../../fixtures/conversations', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

test('there are conversations', () => {
  expect(files.length).toBeGreaterThan(8);
});

test.each(files)('%s', (name) => {
  const conversation = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as Conversation;
  const played = playConversation(conversation);
  for (const [at, step] of conversation.steps.entries()) {
    const what = `step ${at}: ${JSON.stringify(step.do).slice(0, 120)}`;
    expect({ what, did: played[at] }).toEqual({ what, did: step.expect });
  }
});
