import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  actorFrom,
  pixelAt,
  readPhotoActors,
} from '../../../../bench/support/kinds/photo-actors.ts';
import { findConfiguredFfmpeg } from '../../../../src/cli/find-configured-ffmpeg.ts';
import { writeIndexedPng } from '../../../../src/formats/indexed-png.ts';
import { maskFromBitmap } from '../../../../src/frame/mask.ts';

const size = { width: 64, height: 48 };
const ffmpeg = await findConfiguredFfmpeg();
const folder = mkdtempSync(join(tmpdir(), 'maskstream-photographs-'));

/** Photographs with one object each: clear of the border, but for those that are cut. */
beforeAll(() => {
  for (const [name, left] of [
    ['a', 20],
    ['b', 0],
    ['c', 24],
    ['d', 0],
    ['e', 16],
  ] as const) {
    const picture = `color=red:s=${size.width}x${size.height}:d=0.04:r=25`;
    const words = ['-v', 'error', '-f', 'lavfi', '-i', picture, '-frames:v', '1'];
    execFileSync(ffmpeg.path, [...words, join(folder, `${name}.jpg`)]);
    const ids = new Uint8Array(size.width * size.height);
    for (let y = 12; y < 36; y++) ids.fill(3, y * size.width + left, y * size.width + left + 20);
    writeFileSync(join(folder, `${name}.0.png`), writeIndexedPng({ size, ids }));
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

test('whole objects are cut out, those at the border are not', async () => {
  const { actors, grounds } = await readPhotoActors(folder, {
    actors: 1,
    grounds: 1,
    seed: 5,
    ffmpeg,
  });
  expect(actors).toHaveLength(1);
  expect(grounds).toHaveLength(1);
  const [actor] = actors;
  const [red, green, blue] = actor!.colour(0, 0);
  expect(red).toBeGreaterThan(230);
  expect(Math.max(green, blue)).toBeLessThan(25);
  await expect(
    readPhotoActors(folder, { actors: 9, grounds: 1, seed: 5, ffmpeg }),
  ).rejects.toMatchObject({ code: 'usage' });
});

test('an actor reaches to 1, and the disc that it names is inside of it', () => {
  const data = new Uint8Array(3 * size.width * size.height);
  const within = { x: 10, y: 6, width: 30, height: 20 };
  const mask = maskFromBitmap(new Uint8Array(30 * 20).fill(1), size, within);
  const { inside, core } = actorFrom({ size, data }, mask);
  const radius = Math.hypot(30, 20) / 2;
  expect(inside(14.9 / radius, 9.9 / radius)).toBe(true);
  expect(inside(15.1 / radius, 0)).toBe(false);
  expect(inside(0, -10.1 / radius)).toBe(false);
  expect(core.radius * radius).toBeCloseTo(10, 0);
  for (let angle = 0; angle < 6; angle += 0.5) {
    const reach = 0.95 * core.radius;
    expect(inside(core.x + reach * Math.cos(angle), core.y + reach * Math.sin(angle))).toBe(true);
  }
});

test('beyond its border a photograph is mirrored', () => {
  const data = Uint8Array.from({ length: 3 * 4 }, (_, at) => Math.floor(at / 3));
  const photograph = { size: { width: 4, height: 1 }, data };
  const row = Array.from({ length: 12 }, (_, x) => pixelAt(photograph, x - 4, 0)[0]);
  expect(row).toEqual([3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]);
});
