import { expect, test } from 'vitest';
import type { Box } from '../../src/frame/geometry.ts';
import { sharedRegion } from '../../src/frame/region-of-interest.ts';
import {
  planObjects,
  type PlanObject,
  type TrackerPlan,
} from '../../src/tracking/keyframe-plan.ts';
import type { Redetection } from '../../src/tracking/tracker-types.ts';

const visible: Redetection = { kind: 'visible', place: null };
const hidden: Redetection = { kind: 'hidden', place: null };
const waiting: Redetection = { kind: 'not-now', place: null };

const left: Box = { x: 0.1, y: 0.4, width: 0.2, height: 0.2 };
const right: Box = { x: 0.7, y: 0.4, width: 0.2, height: 0.2 };
const pixel: Box = { x: 0.9, y: 0.9, width: 0.01, height: 0.01 };

/** One object as a keyframe and the tracker know it. */
type Known = Partial<PlanObject> & { bounds?: Box | null; redetection?: Redetection };

/** Plans for objects 1, 2, ...; their priors name the region that they were asked in. */
function plan(known: readonly Known[], regionScale: number | null = 2): TrackerPlan {
  const objects = known.map(({ kind = 'tracked', box = null, clicks = [] }, i) => {
    return { objectId: i + 1, kind, box, clicks };
  });
  return planObjects(
    { objects, regionScale },
    {
      boundsOf: (objectId) => known[objectId - 1]?.bounds ?? null,
      redetectionOf: (objectId) => known[objectId - 1]?.redetection ?? visible,
      priorIn: (region, objectId) => ({ objectId, mask: new Float32Array(0), box: region }),
    },
  );
}

const askedIn = ({ objects }: TrackerPlan): number[] => objects.map(({ objectId }) => objectId);

test('objects share the region around their masks, and their priors are in it', () => {
  const { region, objects } = plan([{ bounds: left }, { bounds: right }]);
  expect(region).toEqual(sharedRegion([left, right], 2));
  expect(objects.map(({ prior }) => prior?.box)).toEqual([region, region]);
});

test('without a scale, or without anything whose place is known, the whole picture is encoded', () => {
  expect(plan([{ bounds: left }], null).region).toBeNull();
  expect(plan([{ kind: 'prompted', clicks: [pixel] }]).region).toBeNull();
});

test('what is named anew counts by its box and not by its former mask, and has no prior', () => {
  const { region, objects } = plan([{ kind: 'prompted', box: right, bounds: left }]);
  expect(region).toEqual(sharedRegion([right], 2));
  expect(objects[0]!.prior).toBeNull();
});

test('a correction far from its mask widens the region, a click inside it does not', () => {
  const inside = { ...pixel, x: 0.2, y: 0.5 };
  const corrected = (click: Box): Known => ({ kind: 'corrected', bounds: left, clicks: [click] });
  expect(plan([corrected(inside)]).region).toEqual(sharedRegion([left], 2));
  expect(plan([corrected(pixel)]).region).toEqual(sharedRegion([left, pixel], 2));
});

test('clicks that name an object anew without a box leave the others their region', () => {
  const { region } = plan([{ bounds: left }, { kind: 'prompted', clicks: [pixel] }]);
  expect(region).toEqual(sharedRegion([left], 2));
});

test('the model is asked about prompted objects and those whose re-detection does not wait', () => {
  const known: Known[] = [
    { kind: 'prompted', redetection: waiting },
    { kind: 'corrected', redetection: waiting },
    { kind: 'tracked', redetection: waiting },
    { kind: 'tracked', redetection: hidden },
    { kind: 'pending', redetection: hidden },
    { kind: 'given' },
  ];
  expect(askedIn(plan(known))).toEqual([1, 2, 4]);
});

test('given masks come in the region that they share with the others', () => {
  const { region, objects, given } = plan([{ kind: 'given', bounds: right }, { bounds: left }]);
  expect(region).toEqual(sharedRegion([right, left], 2));
  expect(given).toMatchObject([{ objectId: 1, box: region }]);
  expect(objects).toMatchObject([{ objectId: 2 }]);
});

test('what may be anywhere is re-detected in the whole picture, with all where they are large in it', () => {
  const large: Box = { x: 0.1, y: 0.1, width: 0.4, height: 0.4 };
  expect(plan([{ bounds: large }, { redetection: hidden }]).region).toBeNull();
  // A small object would lose its resolution by it; it keeps a region of its own.
  expect(plan([{ bounds: left }, { redetection: hidden }]).region).toEqual(sharedRegion([left], 2));
  // Where its colours lie is known: nobody needs the whole picture.
  const placed: Redetection = { kind: 'hidden', place: right };
  expect(plan([{ bounds: large }, { redetection: placed }]).region).toEqual(
    sharedRegion([large], 2),
  );
  // Nor for one whose attempt has to wait.
  expect(plan([{ bounds: large }, { redetection: waiting }]).region).not.toBeNull();
});
