import { wholePicture } from '../../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import {
  memoryOf,
  newObjectRecord,
  observeObject,
  rememberCorrection,
  rememberKeyframe,
  type ObjectRecord,
} from '../../../src/pipeline/prompts/object-record.ts';

const fresh = newObjectRecord(1, 'cup', { frameIndex: 4, timestampUs: 1000 });
const lostAfterUs = 500;

function see(record: ObjectRecord, visible: boolean, timestampUs: number) {
  return observeObject(record, { visible, timestampUs }, lostAfterUs);
}

test('an object is pending until its first mask, however long that takes', () => {
  expect(fresh.state).toBe('pending');
  expect(see(fresh, false, 99_999).state).toBe('pending');
  expect(see(fresh, true, 1000).state).toBe('visible');
});

test('without a mask it is occluded, then lost; with one it is back', () => {
  const visible = see(fresh, true, 2000);
  const occluded = see(visible, false, 2499);
  expect(occluded.state).toBe('occluded');
  const lost = see(occluded, false, 2500);
  expect(lost.state).toBe('lost');
  expect(lost.lastSeenUs).toBe(2000);
  const back = see(lost, true, 9000);
  expect(back).toMatchObject({ state: 'visible', lastSeenUs: 9000 });
});

const rule = { memorySlots: 3, memoryIntervalFrames: 5, minMemoryIou: 0.6 };

function entry(frameIndex: number, frameRate = 24) {
  const timestampUs = Math.round((frameIndex * 1e6) / frameRate);
  return { frameIndex, timestampUs, region: wholePicture, mask: new Float32Array(1) };
}

test('memory takes good keyframes that are old enough, newest last, prompt frame first', () => {
  let record: ObjectRecord = { ...fresh, promptMemory: entry(4) };
  const offer = (frameIndex: number, iou: number): void => {
    record = rememberKeyframe(record, entry(frameIndex), iou, rule);
  };
  offer(8, 0.9);
  expect(memoryOf(record).map(({ frameIndex }) => frameIndex)).toEqual([4]);
  offer(9, 0.59);
  offer(9, 0.6);
  offer(13, 0.9);
  offer(14, 0.9);
  offer(30, 0.9);
  expect(memoryOf(record).map(({ frameIndex }) => frameIndex)).toEqual([4, 14, 30]);
});

/** Frames after which a memory of 20 frames at most is replaced. */
function oldFrom(frameRate: number): number {
  const record = { ...fresh, promptMemory: entry(0, frameRate) };
  const ages = Array.from({ length: 40 }, (_, age) => age);
  const rare = { ...rule, memoryIntervalFrames: 20 };
  return ages.find((age) => rememberKeyframe(record, entry(age, frameRate), 0.9, rare) !== record)!;
}

test('a memory of slow film grows old in as much time, one of fast film in as many frames', () => {
  expect([5, 10, 24, 60].map(oldFrom)).toEqual([5, 9, 20, 20]);
});

test('one slot is the prompt frame alone; before it there is no memory', () => {
  const single = { ...rule, memorySlots: 1 };
  const record = { ...fresh, promptMemory: entry(4) };
  expect(rememberKeyframe(record, entry(40), 1, single)).toBe(record);
  expect(memoryOf(fresh)).toEqual([]);
});

test('a correction is the newest memory at once, beside the frame of the prompt', () => {
  const found = { ...entry(10), mask: Float32Array.of(0.2, 0.9) };
  const two = { ...rule, memorySlots: 2 };
  const record = { ...fresh, promptMemory: entry(4), recentMemory: [entry(9)] };
  const corrected = rememberCorrection(record, found, two);
  expect(memoryOf(corrected).map(({ frameIndex }) => frameIndex)).toEqual([4, 10]);
  // A keyframe soon after it does not take its place.
  expect(rememberKeyframe(corrected, entry(12), 1, two)).toBe(corrected);
});

test('a correction that leaves nothing is not remembered', () => {
  const nothing = { ...entry(10), mask: Float32Array.of(0.2, 0.49) };
  const record = { ...fresh, promptMemory: entry(4) };
  expect(rememberCorrection(record, nothing, rule)).toBe(record);
});
