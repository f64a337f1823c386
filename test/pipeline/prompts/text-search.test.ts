import { expect, test } from 'vitest';
import {
  afterLook,
  coversId,
  dueSearches,
  newTextSearch,
  openIds,
  replaceSearch,
} from '../../../src/pipeline/prompts/text-search.ts';

const search = newTextSearch({ phrase: 'car', firstObjectId: 5, maxObjects: 3 }, null, 100);
const car = afterLook(search, 100, 0);

test('looks in vain are ever further apart, up to a limit; one that finds begins anew', () => {
  const pauses = [];
  let now = search;
  for (let i = 0; i < 7; i++) {
    now = afterLook(now, 0, 0);
    pauses.push(now.dueFrame);
  }
  expect(pauses).toEqual([8, 16, 32, 64, 128, 128, 128]);
  expect(afterLook(now, 200, 1)).toMatchObject({ dueFrame: 208, taken: 1 });
});

test('ids are open until they are taken; then the search is over', () => {
  expect([4, 5, 7, 8].map((id) => coversId(car, id))).toEqual([false, true, true, false]);
  const next = afterLook(car, 108, 2);
  expect(openIds(next)).toEqual([7]);
  const other = newTextSearch({ phrase: 'person', firstObjectId: 9, maxObjects: 1 }, null, 100);
  expect(replaceSearch([car, other], next)).toEqual([other, next]);
  expect(replaceSearch([car, other], afterLook(next, 116, 1))).toEqual([other]);
});

test('a search is due when its pause is over, or on a cut, but never twice on one frame', () => {
  const at = (frameIndex: number, isCut = false) => dueSearches([car], { frameIndex, isCut });
  expect(at(107)).toEqual([]);
  expect(at(108)).toEqual([car]);
  expect(at(101, true)).toEqual([car]);
  expect(at(100, true)).toEqual([]);
});
