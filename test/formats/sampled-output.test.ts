import { expect, test } from 'vitest';
import type { Output } from '../../src/formats/answered-frame.ts';
import { createSampledOutput } from '../../src/formats/sampled-output.ts';
import { answeredFrame } from '../fixtures/answered-frame.ts';

const nothing = () => Promise.resolve();

/** Indices that are passed on of frames at these times. */
async function passed(timesUs: readonly number[], framesPerSecond: number): Promise<number[]> {
  const indices: number[] = [];
  const write: Output['write'] = async ({ frameIndex }) => void indices.push(frameIndex);
  const inner: Output = { open: nothing, write, close: nothing, discard: nothing };
  const output = createSampledOutput(inner, framesPerSecond);
  for (const [index, timestampUs] of timesUs.entries()) {
    await output.write({ ...answeredFrame(index, []), timestampUs });
  }
  return indices;
}

const at = (rate: number, count: number) =>
  Array.from({ length: count }, (_, index) => Math.round((index * 1e6) / rate));

test('the first frame at or after each moment', async () => {
  expect(await passed(at(30, 31), 10)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
  expect(await passed(at(25, 12), 10)).toEqual([0, 3, 5, 8, 10]);
  expect(await passed([0, 900_000, 1_100_000, 5_200_000, 5_300_000], 1)).toEqual([0, 2, 3]);
});

test('its own rate or more passes every frame, rounded times too', async () => {
  expect(await passed(at(30, 100), 30)).toHaveLength(100);
  expect(await passed(at(30, 100), 60)).toHaveLength(100);
});

test('times below 0 count too', async () => {
  expect(await passed([-1_500_000, -1_000_000, -500_000, 0], 1)).toEqual([0, 1, 3]);
});
