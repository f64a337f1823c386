import { expect, test } from 'vitest';
import { framesJsonEntry } from '../../src/formats/frames-json.ts';
import { answeredFrame, answeredHeader } from '../fixtures/answered-frame.ts';

test('a frame of another size than the first states its own', () => {
  const size = { width: 8, height: 6 };
  const other = framesJsonEntry({ ...answeredFrame(1, []), size }, answeredHeader);
  expect(JSON.parse(other)).toMatchObject(size);
  const same = framesJsonEntry(answeredFrame(1, []), answeredHeader);
  expect(JSON.parse(same)).not.toHaveProperty('width');
});
