import { expect, test } from 'vitest';
import { PendingRequests } from '../../../src/server/requests/pending-requests.ts';

test('an id may be used again once its update is answered, and not before', () => {
  const pending = new PendingRequests(4);
  pending.check(7);
  pending.add(7);
  expect(() => pending.check(7)).toThrow(expect.objectContaining({ code: 'invalid-prompt' }));
  expect(() => pending.check(7)).toThrow('got 7 again');
  pending.settle(7);
  expect(() => pending.check(7)).not.toThrow();
});

test('so many may wait for their answer, and an id in use is told as that first', () => {
  const pending = new PendingRequests(2);
  for (const id of [1, 2]) pending.add(id);
  expect(() => pending.check(3)).toThrow(expect.objectContaining({ code: 'too-many-prompts' }));
  expect(() => pending.check(2)).toThrow(expect.objectContaining({ code: 'invalid-prompt' }));
  pending.settle(1);
  expect(() => pending.check(3)).not.toThrow();
});

test('what is not answered is taken out once, in the order in which it came', () => {
  const pending = new PendingRequests(8);
  for (const id of [5, 3, 9]) pending.add(id);
  pending.settle(3);
  pending.settle(4);
  expect(pending.drain()).toEqual([5, 9]);
  expect(pending.drain()).toEqual([]);
  expect(() => pending.check(5)).not.toThrow();
});
