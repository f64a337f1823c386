import { describe, expect, test } from 'vitest';
import { headerFrameRate } from '../../../src/video/headers/frame-rate.ts';
import { hevcFrameRate } from '../../../src/video/headers/hevc-timing.ts';
import { annexB, BitWriter, writeOptional, writeVuiHead } from '../../fixtures/bit-writer.ts';
import { noiseBytes } from '../../fixtures/noise-bytes.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

type Timing = { readonly unitsInTick: number; readonly timeScale: number };

/** A sequence parameter set (Rec. ITU-T H.265, 7.3.2.2.1), in which `chance` says what is there. */
function parameterSet(chance: () => boolean, timing: Timing | null): Uint8Array {
  const writer = new BitWriter().u(16, 0x4201).any(4);
  const layers = chance() ? 3 : 1;
  writer.u(3, layers - 1).any(1);
  writeProfile(writer, chance, layers);
  const chromaFormat = chance() ? 3 : 1;
  writer.ue(0, chromaFormat);
  if (chromaFormat === 3) writer.u(1, 0);
  writer.ue(1920, 1080);
  writeOptional(writer, chance(), () => writer.ue(0, 4, 0, 2));
  writer.ue(2, 2, 4);
  const ordersAll = chance();
  writer.u(1, ordersAll ? 1 : 0);
  for (let layer = ordersAll ? 0 : layers - 1; layer < layers; layer++) writer.ue(4, 2, 0);
  writer.ue(0, 3, 0, 3, 1, 1);
  writeOptional(writer, chance(), () => writeOptional(writer, chance(), () => writeLists(writer)));
  writer.any(2);
  writeOptional(writer, chance(), () => writer.any(8).ue(0, 2).any(1));
  writeReferenceSets(writer, chance);
  // lt_ref_pic_poc_lsb_sps has log2_max_pic_order_cnt_lsb bits: 4 + 4.
  writeOptional(writer, chance(), () => writer.ue(2).any(9).any(9));
  writer.any(2);
  writeOptional(writer, timing !== null || chance(), () => {
    writeVuiHead(writer, chance);
    writer.any(3);
    writeOptional(writer, chance(), () => writer.ue(0, 8, 0, 8));
    writeOptional(writer, timing !== null, () =>
      writer.u(32, timing!.unitsInTick).u(32, timing!.timeScale).any(2),
    );
  });
  return writer.bytes();
}

/** profile_tier_level (7.3.3): each lower layer may have a profile and a level of its own. */
function writeProfile(writer: BitWriter, chance: () => boolean, layers: number): void {
  writer.any(88).u(8, 120);
  const present = Array.from({ length: layers - 1 }, () => [chance(), chance()] as const);
  for (const [profile, level] of present) writer.u(1, profile ? 1 : 0).u(1, level ? 1 : 0);
  if (layers > 1) for (let layer = layers - 1; layer < 8; layer++) writer.u(2, 0);
  for (const [profile, level] of present) writer.any((profile ? 88 : 0) + (level ? 8 : 0));
}

/** scaling_list_data (7.3.4): by reference and by value in turns. */
function writeLists(writer: BitWriter): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (matrix % 2 === 0) {
        writer.u(1, 0).ue(0);
        continue;
      }
      writer.u(1, 1);
      if (size > 1) writer.se(-3);
      const coefficients = Math.min(64, 1 << (4 + (size << 1)));
      for (let i = 0; i < coefficients; i++) writer.se((i % 5) - 2);
    }
  }
}

/** st_ref_pic_set (7.3.7): one by its pictures, one by the difference to it, one by its pictures. */
function writeReferenceSets(writer: BitWriter, chance: () => boolean): void {
  if (chance()) {
    writer.ue(0);
    return;
  }
  writer.ue(3);
  // -1, -3 and +2
  writer.ue(2, 1).ue(0).u(1, 1).ue(1).u(1, 1).ue(1).u(1, 0);
  // All of them and the set itself, moved by -1: one of the four is left out.
  writer.u(1, 1).u(1, 1).ue(0);
  writer.u(1, 1).u(1, 0).u(1, 1).u(1, 0).u(1, 0).u(1, 1);
  // As far as this set its size is read from the one before: a difference to three pictures again.
  if (chance()) writer.u(1, 1).u(1, 1).ue(0).u(1, 1).u(1, 1).u(1, 1).u(1, 1);
  else writer.u(1, 0).ue(1, 0).ue(0).u(1, 1);
}

const rates: readonly Timing[] = [
  { unitsInTick: 1, timeScale: 30 },
  { unitsInTick: 1001, timeScale: 24_000 },
  // Zeros enough for emulation prevention.
  { unitsInTick: 1, timeScale: 256 },
  { unitsInTick: 65_536, timeScale: 65_536 * 25 },
];

describe('the frame rate is found', () => {
  test.each(rates)('behind whatever may stand before it ($timeScale / $unitsInTick)', (timing) => {
    const random = randomNumbers(timing.timeScale);
    const rate = timing.timeScale / timing.unitsInTick;
    for (let round = 0; round < 300; round++) {
      const unit = parameterSet(() => random() < 0.5, timing);
      expect(hevcFrameRate(unit)).toBe(rate);
      expect(headerFrameRate('hevc-annex-b', annexB(unit))).toBe(rate);
    }
  });

  test('where everything is there, and where nothing else is', () => {
    for (const all of [true, false]) {
      expect(hevcFrameRate(parameterSet(() => all, rates[0]!))).toBe(30);
    }
  });
});

test('a parameter set without timing has no rate', () => {
  const random = randomNumbers(1);
  for (let round = 0; round < 100; round++) {
    const unit = parameterSet(() => random() < 0.5, null);
    expect(hevcFrameRate(unit)).toBeNull();
    expect(headerFrameRate('hevc-annex-b', annexB(unit))).toBe('absent');
  }
});

test('a tick of no time is no rate', () => {
  const timing = { unitsInTick: 0, timeScale: 30 };
  expect(hevcFrameRate(parameterSet(() => false, timing))).toBeNull();
});

test('one that is cut short anywhere has no rate, or the right one', () => {
  const unit = parameterSet(() => true, rates[0]!);
  for (let end = 0; end < unit.length; end++) {
    expect([null, 30]).toContain(hevcFrameRate(unit.subarray(0, end)));
  }
});

test('noise has some rate or none, and never takes long', () => {
  const noise = noiseBytes(40_000);
  const startMs = performance.now();
  for (let at = 0; at < 2000; at++) {
    const rate = headerFrameRate('hevc-annex-b', annexB(noise.subarray(at * 16, at * 16 + 400)));
    expect(typeof rate === 'number' ? rate > 0 && rate <= 1000 : true).toBe(true);
    const unit = Uint8Array.from([0x42, 1, ...noise.subarray(at * 16, at * 16 + 400)]);
    expect(hevcFrameRate(unit)).not.toBeNaN();
  }
  expect(performance.now() - startMs).toBeLessThan(20_000);
});
