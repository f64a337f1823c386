import { expect, test } from 'vitest';
import { createCategories } from '../../src/formats/categories.ts';
import { yoloDataYaml, yoloText } from '../../src/formats/yolo-text.ts';
import { answeredFrame } from '../fixtures/answered-frame.ts';

test('a line holds class and outline in shares of the sides', () => {
  const categories = createCategories();
  const lines = yoloText(answeredFrame(0, [1, 2]), categories)
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(2);
  const [kind, ...numbers] = lines[1]!.split(' ').map(Number);
  expect(kind).toBe(0);
  expect(numbers).toHaveLength(8);
  expect(new Set(numbers.filter((_, index) => index % 2 === 0))).toEqual(new Set([0.5, 0.6875]));
  expect(new Set(numbers.filter((_, index) => index % 2 === 1))).toEqual(new Set([0.2, 0.6]));
  expect(yoloDataYaml(categories)).toContain('names:\n  0: "object"\n');
  expect(yoloText(answeredFrame(1, []), categories)).toBe('');
});
