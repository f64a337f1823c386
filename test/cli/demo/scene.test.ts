import { describe, expect, test } from 'vitest';
import { splitFragments } from '../../../src/cli/demo/encode-camera.ts';
import { createScene } from '../../../src/cli/demo/scene.ts';

const size = { width: 320, height: 180 };

const pixels = (seed: number) =>
  Buffer.from(createScene({ size, frameCount: 150, seed }).render(7).picture.data);

describe('the demo scene', () => {
  const scene = createScene({ size, frameCount: 150, seed: 3 });

  test('is the same for the same seed, and another for another', () => {
    expect(pixels(3).equals(scene.render(7).picture.data)).toBe(true);
    expect(pixels(4).equals(pixels(3))).toBe(false);
  });

  test('hides a part of object 1 behind the post, and shows it again', () => {
    const areas = [0, 30, 60, 75, 90, 110].map(
      (index) => scene.render(index).masks.get(1)?.area ?? 0,
    );
    const [start = 0] = areas;
    expect(Math.min(...areas)).toBeLessThan(start * 0.75);
    expect(areas.at(-1)).toBeGreaterThan(start * 0.95);
  });

  test('has no pixel that belongs to both objects, and objects of another colour than the ground', () => {
    const { masks, picture } = scene.render(140);
    const [one, two] = [masks.get(1), masks.get(2)];
    if (!one?.box || !two?.box) throw new Error('expected two visible objects');
    let shared = 0;
    const owner = new Map<number, number>();
    for (const [id, mask] of masks) {
      const { x, y, width } = mask.box ?? { x: 0, y: 0, width: 1 };
      for (const [at, bit] of mask.bits.entries()) {
        const pixel = (y + Math.floor(at / width)) * size.width + x + (at % width);
        if (bit === 1 && owner.has(pixel)) shared++;
        if (bit === 1) owner.set(pixel, id);
      }
    }
    expect(shared).toBe(0);
    const redOver = (id: number) => {
      const owned = [...owner].filter(([, of]) => of === id).map(([pixel]) => pixel);
      const sum = owned.reduce((total, pixel) => {
        return total + (picture.data[pixel * 3] ?? 0) - (picture.data[pixel * 3 + 2] ?? 0);
      }, 0);
      return sum / owned.length;
    };
    expect(redOver(1)).toBeGreaterThan(60);
    expect(redOver(2)).toBeLessThan(-40);
  });

  test('moves: what was an object is ground a second later', () => {
    const [before, after] = [scene.render(0).masks.get(1), scene.render(30).masks.get(1)];
    expect((after?.box?.x ?? 0) - (before?.box?.x ?? 0)).toBeGreaterThan(30);
  });
});

test('a shape is as many times as large as its pose says, and turns about its centre', () => {
  const drawn = (scale: number, turn = 0) => {
    const layer = {
      objectId: 1,
      reach: 15,
      pose: () => ({ x: 160, y: 90, turn, scale }),
      inside: (x: number, y: number) => Math.abs(x) < 12 && Math.abs(y) < 6,
      colour: () => [200, 60, 60] as const,
    };
    return createScene({ size, frameCount: 1, seed: 3, layers: [layer] })
      .render(0)
      .masks.get(1)!;
  };
  expect(drawn(1).box).toEqual({ x: 148, y: 84, width: 24, height: 12 });
  expect(drawn(3).box).toEqual({ x: 124, y: 72, width: 72, height: 36 });
  const turned = drawn(3, Math.PI / 2).box!;
  expect([turned.width, turned.height]).toEqual([36, 72]);
  // It is cut by the borders, and fills all.
  expect(drawn(40).area).toBe(size.width * size.height);
});

const box = (kind: string, bytes: number) => {
  const data = Buffer.alloc(bytes, kind);
  data.writeUInt32BE(bytes, 0);
  data.write(kind, 4, 'latin1');
  return data;
};

test('a fragmented MP4 is cut into one piece a frame, the first with the header', () => {
  const frames = [40, 24, 32].map((bytes) => Buffer.concat([box('moof', 16), box('mdat', bytes)]));
  const head = [box('ftyp', 24), box('moov', 64)];
  const video = Buffer.concat([...head, ...frames]);
  const pieces = splitFragments(video);
  expect(pieces.map((piece) => piece.length)).toEqual([88 + 56, 40, 48]);
  expect(Buffer.concat(pieces).equals(video)).toBe(true);
});
