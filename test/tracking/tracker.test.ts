import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { wholePicture } from '../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import { maskFromBitmap, maskIou, type Mask } from '../../src/frame/mask.ts';
import { createDisFlow } from '../../src/tracking/flow/dis.ts';
import type { ObjectAction, TrackerFrame } from '../../src/tracking/tracker-types.ts';
import { Tracker } from '../../src/tracking/tracker.ts';
import { discMask } from '../fixtures/discs.ts';
import {
  disc,
  trackedMask,
  discMaskSide,
  newTracker,
  outputs,
  discPicture,
  groundPicture,
  segmented,
  size,
} from '../fixtures/moving-disc.ts';

/** Frames 0 to `last`, object 1 segmented on frame 0. */
function tracked(last: number): Tracker {
  const tracker = newTracker();
  tracker.advance(discPicture(0));
  tracker.apply([segmented(1, 0)]);
  for (let index = 1; index <= last; index++) tracker.advance(discPicture(index));
  return tracker;
}

test('a mask moves with its object', () => {
  const tracker = tracked(5);
  expect(maskIou(trackedMask(tracker), discMask(disc(5), size))).toBeGreaterThan(0.9);
  tracker.close();
});

test('confidence falls while a mask is carried', () => {
  const tracker = newTracker();
  tracker.advance(discPicture(0));
  tracker.apply([segmented(1, 0)]);
  const [start] = outputs(tracker);
  for (let index = 1; index < 6; index++) tracker.advance(discPicture(index));
  const [later] = outputs(tracker);
  expect(later!.confidence).toBeLessThan(start!.confidence);
  expect(later).toMatchObject({ predictedIou: 0.9, sourceKeyframe: 0 });
  tracker.close();
});

test('going back and on again gives the same bits, also for a second object added meanwhile', () => {
  const tracker = tracked(6);
  const first: Mask[] = [];
  tracker.restore(discPicture(1));
  for (let index = 2; index <= 6; index++) {
    tracker.advance(discPicture(index));
    first.push(trackedMask(tracker));
  }
  tracker.restore(discPicture(1));
  for (let index = 2; index <= 6; index++) {
    tracker.advance(discPicture(index));
    if (index === 3) tracker.apply([segmented(2, 3)]);
    expect(trackedMask(tracker)).toEqual(first[index - 2]);
  }
  expect(first.at(-1)).toEqual(trackedMask(tracked(6)));
  expect(outputs(tracker)).toHaveLength(2);
  tracker.close();
});

test('going back before the first frame forgets the objects, not the flow', () => {
  const tracker = tracked(3);
  const before = trackedMask(tracker);
  tracker.restore(null);
  tracker.advance(discPicture(0));
  expect(outputs(tracker)).toEqual([]);
  tracker.apply([segmented(1, 0)]);
  for (let index = 1; index <= 3; index++) tracker.advance(discPicture(index));
  expect(trackedMask(tracker)).toEqual(before);
  tracker.close();
});

test('frames without flow, replayed with an object, get flow from their pixels', () => {
  const tracker = newTracker();
  for (let index = 0; index <= 4; index++) tracker.advance(discPicture(index));
  tracker.restore(discPicture(0));
  tracker.advance(discPicture(1));
  tracker.apply([segmented(1, 1)]);
  for (let index = 2; index <= 4; index++) tracker.advance(discPicture(index));
  expect(maskIou(trackedMask(tracker), discMask(disc(4), size))).toBeGreaterThan(0.9);
  tracker.close();
});

test('an asynchronous keyframe is carried to the current frame by composed flow', () => {
  const tracker = tracked(8);
  expect(tracker.applyAsyncKeyframe(4, [segmented(1, 4)])).toEqual([]);
  const mask = trackedMask(tracker);
  expect(maskIou(mask, discMask(disc(8), size))).toBeGreaterThan(0.9);
  expect(maskIou(mask, discMask(disc(8), size))).toBeGreaterThan(
    maskIou(mask, discMask(disc(4), size)) + 0.15,
  );
  expect(outputs(tracker)[0]!.sourceKeyframe).toBe(4);
  tracker.close();
});

test('an asynchronous keyframe is useless beyond history, and never undoes what was said later', () => {
  const short = newTracker(3);
  short.advance(discPicture(0));
  short.apply([segmented(1, 0)]);
  for (let index = 1; index <= 5; index++) short.advance(discPicture(index));
  const before = trackedMask(short);
  expect(short.applyAsyncKeyframe(0, [segmented(1, 0)])).toBeNull();
  expect(trackedMask(short)).toEqual(before);
  short.close();

  const tracker = tracked(6);
  tracker.apply([segmented(1, 6)]);
  const newer = trackedMask(tracker);
  expect(tracker.applyAsyncKeyframe(3, [segmented(1, 3, true)])).toEqual([]);
  expect(trackedMask(tracker)).toEqual(newer);
  tracker.close();
});

test('an asynchronous keyframe from before a change of size is not used', () => {
  const tracker = tracked(2);
  const small = { width: 64, height: 48 };
  tracker.advance(discPicture(3, small));
  expect(tracker.applyAsyncKeyframe(2, [segmented(1, 2)])).toBeNull();
  tracker.close();
});

test('objects that are removed or unknown meanwhile stay away from an asynchronous keyframe', () => {
  const tracker = tracked(4);
  tracker.apply([{ kind: 'removed', objectId: 1 }]);
  expect(tracker.applyAsyncKeyframe(2, [segmented(1, 2), segmented(7, 2)])).toEqual([]);
  expect(outputs(tracker)).toEqual([]);
  tracker.close();
});

test('a hidden object has no mask, no box and no crop, and stays so', () => {
  const tracker = tracked(1);
  tracker.advance(groundPicture(2));
  tracker.apply([segmented(1, 2, true)]);
  expect(outputs(tracker)[0]).toMatchObject({ area: 0, box: null });
  expect(tracker.crops([1])).toEqual([]);
  expect(tracker.prior(1, wholePicture).box).toBeNull();
  const { objects } = tracker.advance(discPicture(3));
  expect(objects).toMatchObject([{ objectId: 1, visible: false }]);
  tracker.close();
});

test('an object in sight that the model calls gone stays, on its frame and where the answer is late', () => {
  const gone = { ...segmented(1, 4, true), presence: 0.02, predictedIou: 0.3 };
  const nothing = gone.logits.map(() => -8);
  for (const logits of [gone.logits, nothing]) {
    for (const isLate of [false, true]) {
      const tracker = tracked(isLate ? 7 : 4);
      const said = [{ ...gone, logits }];
      const mistaken = isLate ? tracker.applyAsyncKeyframe(4, said) : tracker.apply(said);
      expect(mistaken).toEqual([]);
      const mask = discMask(disc(isLate ? 7 : 4), size);
      expect(maskIou(trackedMask(tracker), mask)).toBeGreaterThan(0.85);
      const [seen] = outputs(tracker);
      expect(seen).toMatchObject({ predictedIou: 0.3, sourceKeyframe: 4 });
      expect(seen!.presence).toBeGreaterThanOrEqual(0.5);
      expect(seen!.confidence).toBeLessThan(0.6);
      tracker.close();
    }
  }
});

test('a given mask is answered as it came on its frame, and is carried from then on', () => {
  const tracker = newTracker();
  const bits = new Uint8Array(size.width * size.height).map((_, at) => at % 2);
  const mask = maskFromBitmap(bits, size);
  tracker.advance(discPicture(0));
  tracker.apply([{ kind: 'given', objectId: 1, mask: runLengthsOf(mask) }]);
  expect(trackedMask(tracker)).toEqual(mask);
  expect(outputs(tracker)[0]).toMatchObject({ confidence: 1, predictedIou: null });
  tracker.advance(discPicture(1));
  expect(trackedMask(tracker)).not.toEqual(mask);
  tracker.close();
});

test('a change of size carries the masks by scale', () => {
  const tracker = tracked(1);
  const wide = { width: 192, height: 48 };
  tracker.advance(discPicture(2, wide));
  const mask = tracker.output({ overlap: 'disjoint', maskSize: wide })[0]!.mask;
  const { box } = mask;
  // The disc at (42, 48) with radius 20, 1.5 times as wide and half as high.
  expect(box!.x).toBeCloseTo(33, -1);
  expect(box!.width).toBeCloseTo(60, -1);
  expect(box!.height).toBeCloseTo(20, -1);
  tracker.close();
});

test('the refiner sees the object and its answer lands in the mask', () => {
  const tracker = tracked(1);
  const [crop] = tracker.crops([1]);
  expect(crop!.crop).toHaveLength(3 * 32 * 32);
  expect(crop!.appearance).toBeNull();
  const area = trackedMask(tracker).area;
  const answer = (change: number): ObjectAction => {
    const logits = crop!.prior.map((p) => Math.log((p + 1e-6) / (1 - p + 1e-6)) + change);
    return { kind: 'refined', objectId: 1, logits, predictedIou: 0.7 };
  };
  // The disc keeps its shape, so that an answer which hardly differs falls into the dead zone.
  tracker.apply([answer(1)]);
  expect(trackedMask(tracker).area).toBe(area);
  tracker.crops([1]);
  tracker.apply([answer(8)]);
  expect(trackedMask(tracker).area).toBeGreaterThan(area);
  tracker.crops([1]);
  const appearance = Float32Array.of(1, 2);
  tracker.apply([{ kind: 'appearance', objectId: 1, appearance }]);
  expect(tracker.crops([1])[0]!.appearance).toBe(appearance);
  tracker.close();
});

test('nothing visible costs no flow, unless it is asked for', () => {
  let computed = 0;
  const dis = createDisFlow();
  const engine = {
    ...dis,
    name: 'counted',
    compute: (...all: Parameters<typeof dis.compute>) => {
      computed++;
      dis.compute(...all);
    },
    close: () => dis.close(),
  };
  const tracker = new Tracker({
    engine,
    flowLongSide: 128,
    maskSide: discMaskSide,
    cropSide: null,
    historyFrames: 4,
  });
  for (let index = 0; index < 3; index++) tracker.advance(discPicture(index));
  expect(computed).toBe(0);
  tracker.advance(discPicture(3), { needMotion: true });
  expect(computed).toBe(1);
  tracker.close();
  tracker.close();
});

test('a step delivers the masks at once where nothing is to be refined first', () => {
  const deliver = { overlap: 'independent', maskSize: size, form: 'coco-rle' } as const;
  const stepped = tracked(2);
  const { delivered } = stepped.advance(discPicture(3), { needMotion: false, deliver });
  const asked = tracked(2);
  expect(asked.advance(discPicture(3)).delivered).toBeNull();
  expect(delivered).toEqual(asked.deliver(deliver));
  expect(delivered).toMatchObject([{ objectId: 1, mask: { form: 'coco-rle' } }]);
});

test('a step that leaves crops to refine delivers nothing yet', () => {
  const deliver = { overlap: 'independent', maskSize: size, form: 'pixels' } as const;
  const tracker = newTracker();
  tracker.advance(discPicture(0));
  tracker.apply([segmented(1, 0)]);
  const steps = Array.from({ length: 8 }, (_, i) =>
    tracker.advance(tornPicture(i + 1), { needMotion: false, cropsUnder: 1, deliver }),
  );
  const asked = steps.map(({ crops }) => crops.length > 0);
  expect(asked).toContain(true);
  expect(steps.map(({ delivered }) => delivered === null)).toEqual(asked);
});

/** The disc stays; the texture of its upper half moves right, that of its lower half left. */
function tornPicture(index: number): TrackerFrame {
  const { data, ...frame } = discPicture(0);
  const { x: cx, y: cy, radius } = disc(0);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      if (Math.hypot(x + 0.5 - cx, y + 0.5 - cy) >= radius) continue;
      const moved = x - (y < cy ? index : -index);
      data[y * size.width + x] = 170 + 40 * Math.sin((moved - cx) / 2.1) * Math.cos((y - cy) / 2.7);
    }
  }
  return { ...frame, data, index, timestampUs: index * 40_000 };
}
