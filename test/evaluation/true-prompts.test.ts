import { expect, test } from 'vitest';
import type { TrueMasks } from '../../src/evaluation/clips.ts';
import { promptsFromTruths } from '../../src/evaluation/true-prompts.ts';
import { maskToBitmap, type Mask } from '../../src/frame/mask.ts';
import { discMask } from '../fixtures/discs.ts';

const size = { width: 60, height: 40 };
const small = discMask({ x: 15, y: 20, radius: 5 }, size);
const large = discMask({ x: 40, y: 20, radius: 12 }, size);

/** Object 1 from frame 0 on, object 2 from frame 3 on. */
const truths = new Map<number, TrueMasks>([
  [0, { size, objects: new Map<number, Mask>([[1, small]]) }],
  [
    3,
    {
      size,
      objects: new Map<number, Mask>([
        [1, large],
        [2, large],
      ]),
    },
  ],
]);

test('each object is told of once, on the first frame that shows it', () => {
  const prompts = promptsFromTruths(truths, 'mask');
  expect(prompts.map(({ objectId, at }) => [objectId, at])).toEqual([
    [1, { kind: 'frame', frameIndex: 0 }],
    [2, { kind: 'frame', frameIndex: 3 }],
  ]);
  expect(prompts[0]?.prompts).toEqual({ points: [], box: null, mask: small });
});

test('a box is the bounds of the true mask', () => {
  const [prompt] = promptsFromTruths(truths, 'box');
  expect(prompt?.prompts).toEqual({ points: [], box: small.box, mask: null });
});

test('a point is one positive click, deep inside the true mask', () => {
  for (const [prompt, mask] of [
    [promptsFromTruths(truths, 'point')[0], small],
    [promptsFromTruths(truths, 'point')[1], large],
  ] as const) {
    const points = prompt!.prompts.points;
    expect(points).toHaveLength(1);
    const [{ x, y, label }] = points as [(typeof points)[number]];
    expect(label).toBe('positive');
    expect(maskToBitmap(mask)[y * size.width + x]).toBe(1);
    const centre = { x: mask.box!.x + mask.box!.width / 2, y: mask.box!.y + mask.box!.height / 2 };
    expect(Math.hypot(x + 0.5 - centre.x, y + 0.5 - centre.y)).toBeLessThan(1.5);
  }
});
