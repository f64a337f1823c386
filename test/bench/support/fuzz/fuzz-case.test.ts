import { expect, test } from 'vitest';
import type { FuzzClip } from '../../../../bench/support/fuzz/corpus.ts';
import { fuzzCase } from '../../../../bench/support/fuzz/fuzz-case.ts';
import { randomNumbers } from '../../../../bench/support/random-numbers.ts';
import { SegmentVideoRequest } from '../../../../src/gen/maskstream/v1/video_request.ts';

const clips: readonly FuzzClip[] = [
  { name: 'a.mp4', container: 'mp4', bytes: Buffer.alloc(3000, 'mp4') },
  { name: 'b.ts', container: 'mpeg-ts', bytes: Buffer.alloc(2000, 'ts') },
];
const cases = Array.from({ length: 200 }, (_, seed) => fuzzCase(clips, randomNumbers(seed)));

test('a seed tells all of a case', () => {
  cases.forEach((one, seed) => expect(fuzzCase(clips, randomNumbers(seed))).toEqual(one));
});

test('all kinds and ends come about', () => {
  expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(['video', 'bytes', 'order']));
  expect(new Set(cases.map(({ end }) => end)).size).toBe(3);
  expect(cases.some(({ clip, container }) => clip.container !== container)).toBe(true);
});

test('a mutated video is sent whole, in order, in valid messages', () => {
  for (const { kind, video, steps, end } of cases) {
    if (kind !== 'video') continue;
    const messages = steps.flatMap((step) =>
      step.kind === 'send' ? [SegmentVideoRequest.decode(step.bytes.subarray(5)).message] : [],
    );
    expect(messages[0]?.$case).toBe('config');
    expect(messages.at(-1)?.$case).toBe('endOfVideo');
    const sent = messages.flatMap((one) => (one?.$case === 'chunk' ? [one.value.data] : []));
    expect(Buffer.concat(sent)).toEqual(video);
    expect(end).toBe('half-close');
  }
});
