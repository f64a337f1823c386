import { expect, test } from 'vitest';
import { anyone } from '../../../src/server/admission/identity.ts';
import { LoadLedger } from '../../../src/server/admission/load-ledger.ts';
import { StreamDemand, type PredictLoad } from '../../../src/server/admission/stream-demand.ts';

const nothing = { width: null, height: null, frameRate: null };
const stream = {
  keyframes: { kind: 'fixed', intervalFrames: 10 },
  delivery: 'latest',
  objects: 0,
} as const;

/** A core for ten million pixels a second and object. */
const predict: PredictLoad = ({ size, frameRate, objects }) =>
  (size.width * size.height * frameRate * objects) / 1e7;

function open(maxLoad: number | null) {
  const ledger = new LoadLedger({
    maxLoad,
    maxPixelsPerSecond: null,
    maxLoadPerClient: null,
    maxPixelsPerSecondPerClient: null,
  });
  return { ledger, parts: { share: ledger.open(anyone), predict } };
}

const still = { isKeyframe: false };

const frames = (rate: number, count: number, objects = 1) =>
  Array.from({ length: count }, (_, frameIndex) => ({
    frameIndex,
    timestampUs: Math.round((frameIndex * 1e6) / rate),
    objects,
    isKeyframe: frameIndex % 15 === 0,
  }));

test('a stream that says nothing is taken for a camera of 1280 x 720 at 30 frames a second', () => {
  const { ledger, parts } = open(null);
  void new StreamDemand(nothing, stream, parts);
  expect(ledger.total.pixelsPerSecond).toBe(1280 * 720 * 30);
});

test('one side that is stated gives the other one', () => {
  const { ledger, parts } = open(null);
  void new StreamDemand({ width: null, height: 360, frameRate: 10 }, stream, parts);
  expect(ledger.total.pixelsPerSecond).toBe(640 * 360 * 10);
});

test('what does not fit is refused with what would', () => {
  const { parts } = open(1);
  const stated = { width: 1000, height: 1000, frameRate: 30 };
  expect(() => new StreamDemand(stated, stream, parts)).toThrow(
    'this stream would take 3.00 cores, 1.00 cores are left on this server: ' +
      '10 frames a second at 1000 x 1000, or 500 x 500 at 30 frames a second would fit',
  );
});

test('where nothing would fit it says so', () => {
  const { parts } = open(0.001);
  const stated = { width: 1000, height: 1000, frameRate: 1 };
  expect(() => new StreamDemand(stated, stream, parts)).toThrow('nothing of this video would fit');
});

test('the size is checked again when the video is known', () => {
  const { ledger, parts } = open(1);
  const demand = new StreamDemand({ width: 100, height: 100, frameRate: 30 }, stream, parts);
  expect(ledger.total.load).toBeCloseTo(0.03);
  demand.begin({ width: 500, height: 500 }, null);
  expect(ledger.total.load).toBeCloseTo(0.75);
  expect(() => demand.begin({ width: 1000, height: 1000 }, 25)).toThrow('2.50 cores');
});

test('rate and objects are checked again after the first frames', () => {
  const { ledger, parts } = open(1);
  const demand = new StreamDemand({ width: 500, height: 500, frameRate: 30 }, stream, parts);
  for (const frame of frames(10, 29)) demand.answered(frame);
  expect(ledger.total.load).toBeCloseTo(0.75);
  demand.answered({ ...still, frameIndex: 29, timestampUs: 2_900_000, objects: 2 });
  expect(ledger.total.load).toBeCloseTo(0.5);
});

test('first frames that come faster than was stated end the stream', () => {
  const { parts } = open(1);
  const demand = new StreamDemand({ width: 500, height: 500, frameRate: 10 }, stream, parts);
  const first = frames(60, 30);
  for (const frame of first.slice(0, 29)) demand.answered(frame);
  expect(() => demand.answered(first[29]!)).toThrow('this stream would take 1.50 cores');
});

test('objects that come later are counted and end nothing', () => {
  const { ledger, parts } = open(1);
  const demand = new StreamDemand({ width: 500, height: 500, frameRate: 30 }, stream, parts);
  for (const frame of frames(30, 30)) demand.answered(frame);
  demand.answered({ ...still, frameIndex: 30, timestampUs: 1_000_000, objects: 4 });
  expect(ledger.total.load).toBeCloseTo(3);
});

test('times that stand still leave the rate that was stated', () => {
  const { ledger, parts } = open(null);
  const demand = new StreamDemand({ width: 500, height: 500, frameRate: 30 }, stream, parts);
  for (const frame of frames(30, 30)) demand.answered({ ...frame, timestampUs: 0 });
  expect(ledger.total.load).toBeCloseTo(0.75);
});

test('how often keyframes really come is counted', () => {
  const seen: (number | null)[] = [];
  const { parts } = open(null);
  const watched = {
    ...parts,
    predict: (expected: Parameters<PredictLoad>[0]) => {
      seen.push(expected.seenInterval);
      return 0;
    },
  };
  const demand = new StreamDemand(nothing, stream, watched);
  for (const frame of frames(30, 300)) demand.answered(frame);
  expect(seen[0]).toBeNull();
  expect(seen.at(-1)).toBe(15);
});
