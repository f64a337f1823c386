import { describe, expect, test } from 'vitest';
import { headerFrameRate } from '../../../src/video/headers/frame-rate.ts';
import { h264FrameRate } from '../../../src/video/headers/h264-timing.ts';
import { annexB, BitWriter, writeOptional, writeVuiHead } from '../../fixtures/bit-writer.ts';
import { noiseBytes } from '../../fixtures/noise-bytes.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

type Timing = { readonly unitsInTick: number; readonly timeScale: number };

/** A sequence parameter set (Rec. ITU-T H.264, 7.3.2.1.1), in which `chance` says what is there. */
function parameterSet(chance: () => boolean, timing: Timing | null): Uint8Array {
  const high = chance();
  const writer = new BitWriter()
    .u(8, 0x67)
    .u(8, high ? 244 : 66)
    .any(16)
    .ue(0);
  if (high) writeChromaAndScaling(writer, chance);
  writer.ue(4);
  writePictureOrder(writer, chance);
  writer.ue(3).any(1).ue(119, 67);
  if (chance()) writer.u(1, 1);
  else writer.u(1, 0).any(1);
  writer.any(1);
  writeOptional(writer, chance(), () => writer.ue(0, 0, 0, 4));
  writeOptional(writer, timing !== null || chance(), () => {
    writeVuiHead(writer, chance);
    writeOptional(writer, timing !== null, () =>
      writer.u(32, timing!.unitsInTick).u(32, timing!.timeScale).any(1),
    );
  });
  return writer.bytes();
}

function writeChromaAndScaling(writer: BitWriter, chance: () => boolean): void {
  const chromaFormat = chance() ? 3 : 1;
  writer.ue(chromaFormat);
  if (chromaFormat === 3) writer.u(1, 0);
  writer.ue(2, 2).any(1);
  writeOptional(writer, chance(), () => {
    for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++) {
      writeOptional(writer, chance(), () => writeList(writer, list < 6 ? 16 : 64, chance()));
    }
  });
}

/** scaling_list (7.3.2.1.1.1): all values, or as far as one that repeats to the end. */
function writeList(writer: BitWriter, size: number, ends: boolean): void {
  // From 8 on the values go up and down by 3, and wrap around.
  const count = ends ? 5 : size;
  let last = 8;
  for (let i = 0; i < count; i++) {
    const delta = i % 2 === 0 ? 3 : -2;
    writer.se(delta);
    last = (last + delta + 256) % 256;
  }
  if (ends) writer.se(-last);
}

function writePictureOrder(writer: BitWriter, chance: () => boolean): void {
  const [counts, cycles] = [chance(), chance()];
  if (counts) writer.ue(0, 4);
  else if (cycles) writer.ue(1).any(1).se(-2, 1).ue(3).se(1, -1, 4);
  else writer.ue(2);
}

const rates: readonly Timing[] = [
  { unitsInTick: 1, timeScale: 60 },
  { unitsInTick: 1001, timeScale: 48_000 },
  // Zeros enough for emulation prevention.
  { unitsInTick: 1, timeScale: 512 },
  { unitsInTick: 65_536, timeScale: 65_536 * 50 },
];

describe('the frame rate is found', () => {
  test.each(rates)('behind whatever may stand before it ($timeScale / $unitsInTick)', (timing) => {
    const random = randomNumbers(timing.timeScale);
    // A tick is one field.
    const rate = timing.timeScale / timing.unitsInTick / 2;
    for (let round = 0; round < 300; round++) {
      const unit = parameterSet(() => random() < 0.5, timing);
      expect(h264FrameRate(unit)).toBe(rate);
      expect(headerFrameRate('h264-annex-b', annexB(unit))).toBe(rate);
    }
  });

  test('where everything is there, and where nothing else is', () => {
    for (const all of [true, false]) {
      expect(h264FrameRate(parameterSet(() => all, rates[0]!))).toBe(30);
    }
  });
});

test('a parameter set without timing has no rate', () => {
  const random = randomNumbers(1);
  for (let round = 0; round < 100; round++) {
    const unit = parameterSet(() => random() < 0.5, null);
    expect(h264FrameRate(unit)).toBeNull();
    expect(headerFrameRate('h264-annex-b', annexB(unit))).toBe('absent');
  }
});

test('a tick of no time is no rate', () => {
  const timing = { unitsInTick: 0, timeScale: 60 };
  expect(h264FrameRate(parameterSet(() => false, timing))).toBeNull();
});

test('one that is cut short anywhere has no rate, or the right one', () => {
  const unit = parameterSet(() => true, rates[0]!);
  for (let end = 0; end < unit.length; end++) {
    expect([null, 30]).toContain(h264FrameRate(unit.subarray(0, end)));
  }
});

test('noise has some rate or none, and never takes long', () => {
  const noise = noiseBytes(40_000);
  const startMs = performance.now();
  for (let at = 0; at < 2000; at++) {
    const unit = Uint8Array.from([0x67, 100, ...noise.subarray(at * 16, at * 16 + 400)]);
    expect(h264FrameRate(unit)).not.toBeNaN();
    const rate = headerFrameRate('h264-annex-b', annexB(unit));
    expect(typeof rate === 'number' ? rate > 0 && rate <= 1000 : true).toBe(true);
  }
  expect(performance.now() - startMs).toBeLessThan(20_000);
});
