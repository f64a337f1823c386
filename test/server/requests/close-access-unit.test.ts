import { expect, test } from 'vitest';
import { AccessUnitCloser } from '../../../src/server/requests/close-access-unit.ts';

const unit = Uint8Array.of(0, 0, 0, 1, 0x65, 1, 2);
const delimiter = [0, 0, 0, 1, 0x09, 0xf0];

test('a whole unit of raw H.264 gets a delimiter of type 9 behind it', () => {
  const closed = new AccessUnitCloser('h264-annex-b').close(unit, true);
  expect([...closed.data]).toEqual([...unit, ...delimiter]);
  expect(closed.nextUnitBytes).toBe(6);
});

test('a whole unit of raw HEVC gets a delimiter of type 35 behind it', () => {
  const { data } = new AccessUnitCloser('hevc-annex-b').close(unit, true);
  expect((data[unit.length + 4]! >> 1) & 63).toBe(35);
  expect([...data.subarray(0, unit.length)]).toEqual([...unit]);
});

test('a delimiter that the sender wrote takes no second one beside it', () => {
  const units = new AccessUnitCloser('h264-annex-b');
  const own = Uint8Array.of(0, 0, 0, 1, 0x09, 0x10, ...unit);
  const short = Uint8Array.of(0, 0, 1, 0x09, 0x30, ...unit);
  // The first begins the stream; it stays.
  expect([...units.close(own, true).data]).toEqual([...own, ...delimiter]);
  expect([...units.close(own, true).data]).toEqual([...unit, ...delimiter]);
  expect([...units.close(short, false).data]).toEqual([...unit]);
  expect([...units.close(own, false).data]).toEqual([...own]);
});

test.each(['mp4', 'ivf', 'mpeg-ts', 'mjpeg'] as const)(
  '%s says by itself where frames end',
  (container) => {
    const closed = new AccessUnitCloser(container).close(unit, true);
    expect(closed.data).toBe(unit);
    expect(closed.nextUnitBytes).toBe(0);
  },
);
