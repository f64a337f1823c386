import { expect, test } from 'vitest';
import { plannedPrompt } from '../../../src/calls/planned-prompt.ts';
import { watchPhrases } from '../../../src/cli/segment/watch-phrases.ts';
import type { AnsweredFrame, Output } from '../../../src/formats/answered-frame.ts';
import { answeredFrame, answeredHeader } from '../../fixtures/answered-frame.ts';

function collector(): Output & { readonly calls: string[] } {
  const calls: string[] = [];
  const note = (name: string) => async () => void calls.push(name);
  return {
    calls,
    open: note('open'),
    write: note('write'),
    close: note('close'),
    discard: note('discard'),
  };
}

const car = plannedPrompt(1, 0, { text: { phrase: 'car', firstObjectId: 1, maxObjects: 2 } });
const bus = plannedPrompt(3, 0, { text: { phrase: 'bus', firstObjectId: 3, maxObjects: 2 } });
const box = plannedPrompt(9, 0, { prompts: { box: { x: 1, y: 1, width: 2, height: 2 } } });

test('a phrase is answered by an object of its range that has a mask, on any frame', async () => {
  const output = collector();
  const watch = watchPhrases(output, [car, bus, box]);
  await watch.output.open(answeredHeader);
  expect(watch.unanswered()).toEqual(['car', 'bus']);
  await watch.output.write(answeredFrame(0, []));
  const frame = answeredFrame(1, [2]);
  const empty: AnsweredFrame = {
    ...frame,
    objects: frame.objects.map((object) => ({ ...object, objectId: 3, area: 0 })),
  };
  await watch.output.write(empty);
  expect(watch.unanswered()).toEqual(['car', 'bus']);
  await watch.output.write(frame);
  expect(watch.unanswered()).toEqual(['bus']);
  await watch.output.close();
  expect(output.calls).toEqual(['open', 'write', 'write', 'write', 'close']);
});

test('without phrases there is nothing to answer', () => {
  expect(watchPhrases(collector(), [box]).unanswered()).toEqual([]);
});
