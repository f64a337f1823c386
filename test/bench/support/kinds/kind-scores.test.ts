import { expect, test } from 'vitest';
import {
  kindFrame,
  scoreKind,
  type KindFrame,
} from '../../../../bench/support/kinds/kind-scores.ts';
import type { AnsweredFrame } from '../../../../src/formats/answered-frame.ts';
import { answeredFrame } from '../../../fixtures/answered-frame.ts';
import { emptyMask, maskFromBitmap, type Mask } from '../../../../src/frame/mask.ts';

const size = { width: 40, height: 20 };

function square(x: number, side = 8): Mask {
  const within = { x, y: 4, width: side, height: side };
  return maskFromBitmap(new Uint8Array(side * side).fill(1), size, within);
}

function answered(mask: Mask, frameIndex = 1): AnsweredFrame {
  return {
    ...answeredFrame(frameIndex, []),
    size,
    objects: [
      {
        objectId: 1,
        label: null,
        state: mask.area > 0 ? 'visible' : 'occluded',
        box: mask.box,
        area: mask.area,
        predictedIou: null,
        confidence: 0.9,
        presence: 0.1,
        mask,
      },
    ],
  };
}

const truth = { size, objects: new Map([1, 2].map((id) => [id, square(10 * id)])) };

test('a frame says which object its mask is on', () => {
  const own = kindFrame(answered(square(10)), 1, truth);
  expect(own).toMatchObject({ region: 1, boundary: 1, isOn: 1, isAnswered: true, trueArea: 64 });
  expect(kindFrame(answered(square(20)), 1, truth)).toMatchObject({ region: 0, isOn: 2 });
  const none = kindFrame(answered(emptyMask(size)), 1, truth);
  expect(none).toMatchObject({ region: 0, isOn: null, isAnswered: false, presence: 0.1 });
});

function frame(changed: Partial<KindFrame>): KindFrame {
  const usual = { frameIndex: 0, trueArea: 64, region: 0.8, boundary: 0.6, isAnswered: true };
  return { ...usual, confidence: 0.9, presence: 0.95, isOn: 1, ...changed };
}

test('the prompt’s frame proves nothing', () => {
  const score = scoreKind([frame({ region: 1, boundary: 1 }), frame({}), frame({ region: 0.4 })]);
  expect(score.region).toBeCloseTo(0.6);
  expect(score.boundary).toBeCloseTo(0.6);
  expect(score.isFoundAtEnd).toBe(false);
});

test('frames without a mask count where at least a quarter of the object is in sight', () => {
  const gone = { isAnswered: false, isOn: null, region: 0, confidence: 0.998, presence: 0.002 };
  const score = scoreKind([
    frame({}),
    frame(gone),
    frame({ ...gone, trueArea: 16 }),
    frame({ ...gone, trueArea: 15 }),
    frame({ ...gone, trueArea: 0, region: 1 }),
    frame({}),
  ]);
  expect(score).toMatchObject({ visibleFrames: 3, hiddenFrames: 2, isFoundAtEnd: true });
  expect(score.hiddenConfidences).toEqual([0.998, 0.998]);
  expect(score.hiddenPresences).toEqual([0.002, 0.002]);
});

test('a mask that goes over to another object, and back, has switched twice', () => {
  const owners = [1, 1, null, 2, 2, null, 1];
  expect(scoreKind(owners.map((isOn) => frame({ isOn }))).switches).toBe(2);
});
