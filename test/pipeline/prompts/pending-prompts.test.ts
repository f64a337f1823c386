import { expect, test } from 'vitest';
import type { PromptUpdate } from '../../../src/frame/prompt.ts';
import { PromptBook } from '../../../src/pipeline/prompts/pending-prompts.ts';
import { fakeModel } from '../../fixtures/fake-segmenter.ts';
import { click, prompt, testLimits } from '../../fixtures/session-harness.ts';

const size = { width: 96, height: 64 };

function newBook(limits: Partial<typeof testLimits> = {}): PromptBook {
  return new PromptBook(fakeModel, { ...testLimits, ...limits });
}

/** Accepts and holds; returns the code of the error, or null. */
function outcome(book: PromptBook, update: PromptUpdate): unknown {
  try {
    book.hold(book.accept(update, size));
    return null;
  } catch (reason) {
    return (reason as { code: unknown }).code;
  }
}

test('ids live from ADD to REMOVE and are never used again', () => {
  const book = newBook();
  expect(outcome(book, prompt(1, 0, { ...click(1, 1), action: 'refine' }))).toBe('unknown-object');
  expect(outcome(book, prompt(1, 0, { action: 'remove' }))).toBe('unknown-object');
  expect(outcome(book, prompt(1, 0, click(1, 1)))).toBeNull();
  expect(outcome(book, prompt(1, 0, click(1, 1)))).toBe('duplicate-object');
  expect(outcome(book, prompt(1, 0, { ...click(1, 1), action: 'replace' }))).toBeNull();
  expect(outcome(book, prompt(1, 0, { action: 'remove' }))).toBeNull();
  expect(outcome(book, prompt(1, 0, click(1, 1)))).toBe('duplicate-object');
  expect(outcome(book, prompt(1, 0, { ...click(1, 1), action: 'refine' }))).toBe('unknown-object');
});

function refine(): PromptUpdate {
  return prompt(1, 9, { ...click(1, 1), action: 'refine' });
}

test('objects, clicks and waiting updates are bounded', () => {
  const book = newBook({ maxObjects: 2, maxPoints: 3, maxPendingPrompts: 5 });
  expect(outcome(book, prompt(1, 9, click(1, 1)))).toBeNull();
  expect(outcome(book, prompt(2, 9, click(1, 1)))).toBeNull();
  expect(outcome(book, prompt(3, 9, click(1, 1)))).toBe('too-many-objects');
  expect([refine(), refine(), refine()].map((update) => outcome(book, update))).toEqual([
    null,
    null,
    'invalid-prompt',
  ]);
  expect(outcome(book, prompt(1, 9, { ...click(1, 1), action: 'replace' }))).toBeNull();
  expect(outcome(book, refine())).toBe('too-many-prompts');
  book.take({ index: 9, timestampUs: 0 }, null);
  expect(outcome(book, refine())).toBeNull();
});

test('a refused update leaves no trace', () => {
  const book = newBook({ maxObjects: 1, maxPoints: 2 });
  const outside = prompt(1, 0, click(96, 0));
  expect(outcome(book, outside)).toBe('invalid-prompt');
  expect(outcome(book, prompt(1, 0, click(95, 0)))).toBeNull();
});

test('undo frees the ids of an ADD, revives a removed object and forgets clicks', () => {
  const book = newBook({ maxPoints: 2 });
  const add = prompt(1, 0, click(1, 1));
  book.accept(add, size);
  book.undo(add);
  expect(outcome(book, prompt(1, 0, click(1, 1)))).toBeNull();
  book.undo(book.accept(refine(), size));
  expect(outcome(book, prompt(1, 0, { ...click(1, 1), action: 'refine' }))).toBeNull();
  const remove = prompt(1, 0, { action: 'remove' });
  book.accept(remove, size);
  book.undo(remove);
  expect(outcome(book, prompt(1, 0, { action: 'remove' }))).toBeNull();
});

test('prompt kinds that the model does not take are refused by name', () => {
  const book = new PromptBook({ ...fakeModel, promptKinds: ['points', 'box'] }, testLimits);
  const text = { phrase: 'square', firstObjectId: 1, maxObjects: 1 };
  expect(() => book.accept(prompt(1, 0, { text }), size)).toThrow(
    'model fake takes points, box, got text',
  );
});

test('a phrase takes its range of ids, and gives back what it does not use', () => {
  const book = newBook();
  const text = { phrase: 'square', firstObjectId: 5, maxObjects: 3 };
  const phrase = prompt(5, 0, { text });
  expect(outcome(book, phrase)).toBeNull();
  expect(outcome(book, prompt(7, 0, click(1, 1)))).toBe('duplicate-object');
  book.settle(phrase, [5]);
  expect(outcome(book, prompt(5, 0, click(1, 1)))).toBe('duplicate-object');
  expect(outcome(book, prompt(7, 0, click(1, 1)))).toBeNull();
});

test.each([
  [{ kind: 'next' }, 'due'],
  [{ kind: 'frame', frameIndex: 5 }, 'due'],
  [{ kind: 'frame', frameIndex: 4 }, 'missed'],
  [{ kind: 'frame', frameIndex: 6 }, 'waits'],
  [{ kind: 'timestamp', timestampUs: 500 }, 'due'],
  [{ kind: 'timestamp', timestampUs: 499 }, 'missed'],
  [{ kind: 'timestamp', timestampUs: 599 }, 'due'],
  [{ kind: 'timestamp', timestampUs: 600 }, 'waits'],
] as const)('on frame 5 at 500 µs, with the next at 600 µs, %j is %s', (at, fate) => {
  const book = newBook();
  const update = prompt(1, at, click(1, 1));
  book.hold(book.accept(update, null));
  const { due, missed } = book.take({ index: 5, timestampUs: 500 }, 600);
  expect({ due: due.length, missed: missed.length, waits: book.takeAll().length }).toEqual({
    due: 0,
    missed: 0,
    waits: 0,
    [fate]: 1,
  });
});

test('the next time matters only while a prompt names a later one', () => {
  const book = newBook();
  const frame = { index: 0, timestampUs: 100 };
  book.hold(prompt(1, { kind: 'timestamp', timestampUs: 100 }));
  expect(book.needsNextFrame(frame)).toBe(false);
  book.hold(prompt(2, { kind: 'timestamp', timestampUs: 101 }));
  expect(book.needsNextFrame(frame)).toBe(true);
  // Without the next time nobody knows yet.
  expect(book.take(frame, null).due).toHaveLength(1);
  expect(book.take(frame, Number.POSITIVE_INFINITY).due).toHaveLength(1);
});

test('updates on one frame come out in the order in which they came', () => {
  const book = newBook();
  const updates = [3, 1, 2].map((id) => prompt(id, 4, click(1, 1)));
  for (const update of updates) book.hold(update);
  expect(book.take({ index: 4, timestampUs: 0 }, null).due).toEqual(updates);
});
