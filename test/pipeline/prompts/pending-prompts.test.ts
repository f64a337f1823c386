import { expect, test } from 'vitest';
import type { PromptUpdate } from '../../../src/frame/prompt.ts';
import { PendingPrompts } from '../../../src/pipeline/prompts/pending-prompts.ts';
import { fakeModel } from '../../fixtures/fake-segmenter.ts';
import { click, prompt, testLimits } from '../../fixtures/session-harness.ts';

const size = { width: 96, height: 64 };

function newPending(limits: Partial<typeof testLimits> = {}): PendingPrompts {
  return new PendingPrompts(fakeModel, { ...testLimits, ...limits });
}

/** Accepts and holds; returns the code of the error, or null. */
function outcome(pending: PendingPrompts, update: PromptUpdate): unknown {
  try {
    pending.hold(pending.accept(update, size));
    return null;
  } catch (reason) {
    return (reason as { code: unknown }).code;
  }
}

test('ids live from ADD to REMOVE and are never used again', () => {
  const pending = newPending();
  expect(outcome(pending, prompt(1, 0, { ...click(1, 1), action: 'refine' }))).toBe(
    'unknown-object',
  );
  expect(outcome(pending, prompt(1, 0, { action: 'remove' }))).toBe('unknown-object');
  expect(outcome(pending, prompt(1, 0, click(1, 1)))).toBeNull();
  expect(outcome(pending, prompt(1, 0, click(1, 1)))).toBe('duplicate-object');
  expect(outcome(pending, prompt(1, 0, { ...click(1, 1), action: 'replace' }))).toBeNull();
  expect(outcome(pending, prompt(1, 0, { action: 'remove' }))).toBeNull();
  expect(outcome(pending, prompt(1, 0, click(1, 1)))).toBe('duplicate-object');
  expect(outcome(pending, prompt(1, 0, { ...click(1, 1), action: 'refine' }))).toBe(
    'unknown-object',
  );
});

function refine(): PromptUpdate {
  return prompt(1, 9, { ...click(1, 1), action: 'refine' });
}

test('objects, clicks and waiting updates are bounded', () => {
  const pending = newPending({ maxObjects: 2, maxPoints: 3, maxPendingPrompts: 5 });
  expect(outcome(pending, prompt(1, 9, click(1, 1)))).toBeNull();
  expect(outcome(pending, prompt(2, 9, click(1, 1)))).toBeNull();
  expect(outcome(pending, prompt(3, 9, click(1, 1)))).toBe('too-many-objects');
  expect([refine(), refine(), refine()].map((update) => outcome(pending, update))).toEqual([
    null,
    null,
    'invalid-prompt',
  ]);
  expect(outcome(pending, prompt(1, 9, { ...click(1, 1), action: 'replace' }))).toBeNull();
  expect(outcome(pending, refine())).toBe('too-many-prompts');
  pending.take({ index: 9, timestampUs: 0 }, null);
  expect(outcome(pending, refine())).toBeNull();
});

test('a refused update leaves no trace', () => {
  const pending = newPending({ maxObjects: 1, maxPoints: 2 });
  const outside = prompt(1, 0, click(96, 0));
  expect(outcome(pending, outside)).toBe('invalid-prompt');
  expect(outcome(pending, prompt(1, 0, click(95, 0)))).toBeNull();
});

test('undo frees the ids of an ADD, revives a removed object and forgets clicks', () => {
  const pending = newPending({ maxPoints: 2 });
  const add = prompt(1, 0, click(1, 1));
  pending.accept(add, size);
  pending.undo(add);
  expect(outcome(pending, prompt(1, 0, click(1, 1)))).toBeNull();
  pending.undo(pending.accept(refine(), size));
  expect(outcome(pending, prompt(1, 0, { ...click(1, 1), action: 'refine' }))).toBeNull();
  const remove = prompt(1, 0, { action: 'remove' });
  pending.accept(remove, size);
  pending.undo(remove);
  expect(outcome(pending, prompt(1, 0, { action: 'remove' }))).toBeNull();
});

test('prompt kinds that the model does not take are refused by name', () => {
  const pending = new PendingPrompts({ ...fakeModel, promptKinds: ['points', 'box'] }, testLimits);
  const text = { phrase: 'square', firstObjectId: 1, maxObjects: 1 };
  expect(() => pending.accept(prompt(1, 0, { text }), size)).toThrow(
    'model fake takes points, box, got text',
  );
});

test('a phrase takes its range of ids, and gives back what it does not use', () => {
  const pending = newPending();
  const text = { phrase: 'square', firstObjectId: 5, maxObjects: 3 };
  const phrase = prompt(5, 0, { text });
  expect(outcome(pending, phrase)).toBeNull();
  expect(outcome(pending, prompt(7, 0, click(1, 1)))).toBe('duplicate-object');
  pending.settle(phrase, [5]);
  expect(outcome(pending, prompt(5, 0, click(1, 1)))).toBe('duplicate-object');
  expect(outcome(pending, prompt(7, 0, click(1, 1)))).toBeNull();
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
  const pending = newPending();
  const update = prompt(1, at, click(1, 1));
  pending.hold(pending.accept(update, null));
  const { due, missed } = pending.take({ index: 5, timestampUs: 500 }, 600);
  expect({ due: due.length, missed: missed.length, waits: pending.takeAll().length }).toEqual({
    due: 0,
    missed: 0,
    waits: 0,
    [fate]: 1,
  });
});

test('the next time matters only while a prompt names a later one', () => {
  const pending = newPending();
  const frame = { index: 0, timestampUs: 100 };
  pending.hold(prompt(1, { kind: 'timestamp', timestampUs: 100 }));
  expect(pending.needsNextFrame(frame)).toBe(false);
  pending.hold(prompt(2, { kind: 'timestamp', timestampUs: 101 }));
  expect(pending.needsNextFrame(frame)).toBe(true);
  // Without the next time nobody knows yet.
  expect(pending.take(frame, null).due).toHaveLength(1);
  expect(pending.take(frame, Number.POSITIVE_INFINITY).due).toHaveLength(1);
});

test('updates on one frame come out in the order in which they came', () => {
  const pending = newPending();
  const updates = [3, 1, 2].map((id) => prompt(id, 4, click(1, 1)));
  for (const update of updates) pending.hold(update);
  expect(pending.take({ index: 4, timestampUs: 0 }, null).due).toEqual(updates);
});

function masked(id: number): PromptUpdate {
  return prompt(id, 9, { mask: { size, counts: new Uint8Array(40).fill(48) } });
}

test('masks that wait are bounded in bytes, together with those in other queues', () => {
  const pending = newPending({ maxPendingBytes: 100 });
  expect(outcome(pending, masked(1))).toBeNull();
  expect(outcome(pending, masked(2))).toBeNull();
  expect(outcome(pending, masked(3))).toBe('too-many-prompts');
  pending.take({ index: 9, timestampUs: 0 }, null);
  expect(outcome(pending, masked(3))).toBeNull();
  expect(() => pending.accept(masked(4), size, [masked(1)])).toThrow('at most 100 bytes');
});

test('a frame that is absurdly far ahead is refused', () => {
  const pending = newPending({ maxFramesAhead: 1000 });
  expect(outcome(pending, prompt(1, 1000, click(1, 1)))).toBeNull();
  expect(outcome(pending, prompt(2, 1001, click(1, 1)))).toBe('invalid-prompt');
  pending.take({ index: 500, timestampUs: 0 }, null);
  expect(outcome(pending, prompt(2, 1500, click(1, 1)))).toBeNull();
});
