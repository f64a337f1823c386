import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Frame } from '../../src/frame/frame.ts';
import type { Decode } from '../../src/frame/ports.ts';
import { createDecoder } from '../../src/video/index.ts';
import {
  chunksOf,
  decodeAll,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const options = { container: 'mp4', frameRate: null, signal: never } as const;
const clip = (size: string): Promise<string> =>
  makeClip({ encode: encoders.h264, extension: 'mp4', size });

/** Holds all frames until the end, as corrections do. */
async function holdAll(events: ReturnType<Decode>): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const event of events) if (event.kind === 'frame') frames.push(event.frame);
  return frames;
}

/** Digests of all pictures. */
async function play(file: string, decode: Decode): Promise<string[]> {
  const { pixels } = await decodeAll(decode(chunksOf(file), options), { keepPixels: true });
  return pixels.map((frame) => createHash('sha256').update(frame).digest('hex'));
}

test('a stream takes the memory of one before it, whatever its size', async () => {
  const decode = createDecoder({ ffmpeg: systemFfmpeg });
  const first = await holdAll(decode(chunksOf(await clip('320x180')), options));
  const memory = new Set(first.map(({ data }) => data.buffer));
  expect(memory.size).toBe(first.length);
  for (const frame of first) frame.close();
  const second = await holdAll(decode(chunksOf(await clip('176x144')), options));
  expect(second.map(({ data }) => memory.has(data.buffer))).not.toContain(false);
  for (const frame of second) frame.close();
});

test('streams side by side that share memory have the pixels that each has alone', async () => {
  const clips = await Promise.all(['320x180', '176x144', '636x358'].map(clip));
  const alone = await Promise.all(
    clips.map((file) => play(file, createDecoder({ ffmpeg: systemFfmpeg }))),
  );
  expect(alone.map((frames) => frames.length)).toEqual([20, 20, 20]);
  const decode = createDecoder({ ffmpeg: systemFfmpeg });
  for (let round = 0; round < 2; round++) {
    expect(await Promise.all(clips.map((file) => play(file, decode)))).toEqual(alone);
  }
});
