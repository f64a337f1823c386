import { describe, expect, test } from 'vitest';
import type { TrueMasks } from '../../src/evaluation/clips.ts';
import { createObjectTrack, type ObjectTrackOptions } from '../../src/evaluation/object-track.ts';
import type { AnsweredFrame } from '../../src/formats/answered-frame.ts';
import { emptyMask, maskIou, type Mask } from '../../src/frame/mask.ts';
import { answeredFrame } from '../fixtures/answered-frame.ts';
import { discMask } from '../fixtures/discs.ts';

const size = { width: 40, height: 30 };
const discAt = (x: number): Mask => discMask({ x, y: 15, radius: 8 }, size);

/** An answer for object 1; null: the object is not in it. */
function answer(frameIndex: number, mask: Mask | null, confidence = 0.9): AnsweredFrame {
  const frame = answeredFrame(frameIndex, [1]);
  const objects = mask === null ? [] : [{ ...frame.objects[0]!, mask, confidence }];
  return { ...frame, keyframeIndex: frameIndex < 2 ? 0 : 2, objects };
}

function truthOf(mask: Mask | null): TrueMasks {
  return { size, objects: new Map(mask === null ? [] : [[1, mask]]) };
}

function track(options: Partial<ObjectTrackOptions> = {}) {
  return createObjectTrack({
    objectId: 1,
    promptFrame: 0,
    givenMask: false,
    stability: () => null,
    ...options,
  });
}

describe('J and F', () => {
  test('leave out the prompt’s frame and the last one, as the benchmark does', () => {
    const object = track();
    // Wrong on the first and the last frame, right between them.
    for (const [index, x] of [30, 10, 11, 30].entries()) {
      object.add(answer(index, discAt(x)), truthOf(discAt(9 + index)));
    }
    const { region, boundary } = object.scores(3);
    expect(region.mean).toBe(1);
    expect(boundary.mean).toBe(1);
    expect(object.scores(99).region.mean).toBeLessThan(1);
  });

  test('count the frames before the prompt and those without annotation not at all', () => {
    const object = track({ promptFrame: 1 });
    object.add(answer(0, null), truthOf(discAt(10)));
    object.add(answer(1, discAt(10)), truthOf(discAt(10)));
    object.add(answer(2, discAt(30)), null);
    object.add(answer(3, discAt(12)), truthOf(discAt(10)));
    const { region, samples } = object.scores(9);
    expect(region.mean).toBeCloseTo(maskIou(discAt(12), discAt(10)), 12);
    expect(samples).toHaveLength(2);
  });

  test('of an object that is not there and not shown are 1; shown, or missed, they are 0', () => {
    const object = track();
    object.add(answer(0, discAt(10)), truthOf(discAt(10)));
    object.add(answer(1, emptyMask(size)), truthOf(null));
    object.add(answer(2, discAt(10)), truthOf(null));
    object.add(answer(3, null), truthOf(discAt(10)));
    expect(object.scores(9).samples.map(({ iou }) => iou)).toEqual([1, 1, 0, 0]);
    expect(object.scores(9).region.mean).toBeCloseTo(1 / 3, 12);
    expect(object.scores(9).boundary.mean).toBeCloseTo(1 / 3, 12);
  });
});

describe('samples of confidence', () => {
  test('have the age of their keyframe, and an object that is not answered has none', () => {
    const object = track();
    for (const index of [0, 1, 2, 3]) {
      object.add(answer(index, index === 3 ? null : discAt(10), 0.5), truthOf(discAt(10)));
    }
    const { samples } = object.scores(9);
    expect(samples.map(({ confidence, age }) => [confidence, age])).toEqual([
      [0.5, 0],
      [0.5, 1],
      [0.5, 0],
      [0, 1],
    ]);
  });

  test('begin after a mask that was given: it proves nothing', () => {
    const object = track({ givenMask: true });
    for (const index of [0, 1]) object.add(answer(index, discAt(10)), truthOf(discAt(10)));
    expect(object.scores(9).samples).toHaveLength(1);
  });
});

describe('stability', () => {
  test('is asked of masks that follow one another, with empty ones in the gaps', () => {
    const pairs: [number, number, number][] = [];
    const object = track({
      stability: (previous, current, frameIndex) => {
        pairs.push([previous.area, current.area, frameIndex]);
        return frameIndex === 2 ? null : 0.5;
      },
    });
    const area = discAt(10).area;
    for (const index of [0, 1, 2, 3]) {
      object.add(answer(index, index === 2 ? null : discAt(10)), null);
    }
    expect(pairs).toEqual([
      [area, area, 1],
      [area, 0, 2],
      [area, area, 3],
    ]);
    expect(object.scores(9).stability).toBe(0.5);
  });
});
