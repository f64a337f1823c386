import { expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import type { TrackerFrame } from '../../src/tracking/tracker-types.ts';
import { discMask } from '../fixtures/discs.ts';
import {
  disc,
  trackedMask,
  newTracker,
  discPicture,
  segmented,
  size,
} from '../fixtures/moving-disc.ts';

/** The moving disc, where its texture changes little by little: over a long gap nothing matches. */
function turning(index: number): TrackerFrame {
  const frame = discPicture(index);
  const { x: cx, y: cy, radius } = disc(index);
  for (let at = 0; at < size.width * size.height; at++) {
    const x = (at % size.width) + 0.5 - cx;
    const y = Math.floor(at / size.width) + 0.5 - cy;
    if (Math.hypot(x, y) >= radius) continue;
    const turn = index / 40;
    const [u, v] = [
      x * Math.cos(turn) + y * Math.sin(turn),
      y * Math.cos(turn) - x * Math.sin(turn),
    ];
    frame.data[at] = 170 + 40 * Math.sin(u / 2.1) * Math.cos(v / 2.7);
  }
  return frame;
}

test('over a long gap flow passes over dropped frames, and a replay comes out the same to the bit', () => {
  const straight = newTracker();
  const bridged = newTracker();
  const bridge = [6, 12, 18].map((index) => turning(index));
  for (const tracker of [straight, bridged]) {
    tracker.advance(turning(0));
    tracker.apply([segmented(1, 0)]);
  }
  straight.advance(turning(24));
  bridged.advance(turning(24), { needMotion: false, bridge });
  const truth = discMask(disc(24), size);
  expect(maskIou(trackedMask(straight), truth)).toBeLessThan(0.6);
  expect(maskIou(trackedMask(bridged), truth)).toBeGreaterThan(0.9);

  const first = trackedMask(bridged);
  bridged.advance(turning(25));
  bridged.restore(turning(0));
  bridged.advance(turning(24), { needMotion: false, bridge });
  expect(trackedMask(bridged)).toEqual(first);
});

test('an asynchronous keyframe from before a gap is carried along the dropped frames', () => {
  const tracker = newTracker();
  tracker.advance(discPicture(0));
  tracker.apply([segmented(1, 0)]);
  const bridge = [discPicture(6), discPicture(12)];
  tracker.advance(discPicture(18), { needMotion: true, bridge });
  expect(tracker.applyAsyncKeyframe(0, [segmented(1, 0)])).toEqual([]);
  expect(maskIou(trackedMask(tracker), discMask(disc(18), size))).toBeGreaterThan(0.9);
});

test('a cut between dropped frames is the step’s', () => {
  const tracker = newTracker();
  for (const index of [0, 1, 2, 3]) tracker.advance(discPicture(index), { needMotion: true });
  tracker.apply([segmented(1, 3)]);
  const other = discPicture(10);
  for (const [i, luma] of other.data.entries()) other.data[i] = (luma * 7919 + i * 31) % 256;
  const options = { needMotion: true, bridge: [other] };
  const { sceneCut, objects } = tracker.advance(discPicture(17), options);
  expect(sceneCut).toBeGreaterThanOrEqual(0.5);
  expect(objects).toMatchObject([{ objectId: 1, visible: false }]);
});
