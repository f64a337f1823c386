import { expect, test } from 'vitest';
import { closeAccessUnit } from '../../../src/server/requests/close-access-unit.ts';

const unit = Uint8Array.of(0, 0, 0, 1, 0x65, 1, 2);

test('a whole unit of raw H.264 gets a delimiter of type 9 behind it', () => {
  expect([...closeAccessUnit(unit, 'h264-annex-b')]).toEqual([...unit, 0, 0, 0, 1, 0x09, 0xf0]);
});

test('a whole unit of raw HEVC gets a delimiter of type 35 behind it', () => {
  const closed = closeAccessUnit(unit, 'hevc-annex-b');
  expect((closed[unit.length + 4]! >> 1) & 63).toBe(35);
  expect([...closed.subarray(0, unit.length)]).toEqual([...unit]);
});

test.each(['mp4', 'ivf', 'mpeg-ts', 'mjpeg'] as const)(
  '%s says by itself where frames end',
  (container) => {
    expect(closeAccessUnit(unit, container)).toBe(unit);
  },
);
