import { describe, expect, test } from 'vitest';
import { nearestWords } from '../../src/frame/nearest-words.ts';

const words = ['bus', 'bicycle', 'person', 'traffic light', 'skirt', 'shirt', 'car'];

describe('nearest words', () => {
  test.each([
    ['bycicle', ['bicycle']],
    ['persn', ['person']],
    ['shrit', ['shirt']],
    ['persons', ['person']],
    ['traffic', ['traffic light']],
    ['zeppelin', []],
    ['', []],
  ])('%j means %j', (word, meant) => {
    expect(nearestWords(word, words)).toEqual(meant);
  });

  test('are at most as many as asked for, and none of nothing', () => {
    expect(nearestWords('shrit', words, 1)).toEqual(['shirt']);
    expect(nearestWords('shrit', [])).toEqual([]);
  });
});
