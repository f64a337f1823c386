import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  chunksOf,
  decodeAll,
  encoders,
  expectNothingLeft,
  ffmpeg,
  makeClip,
  never,
  systemFfmpeg,
  temporaryPath,
} from '../fixtures/encoded-clips.ts';
import { rgbFrames } from '../fixtures/rgb-frames.ts';

expectNothingLeft();

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
  test('full-colour frames have the count, order and times of analysis frames', async () => {
    const clip = await makeClip({
      encode: encoders.h264Reordered,
      extension: 'mp4',
      filter: 'setsar=2/1',
    });
    const decode = createDecoder({ ffmpeg: binary });
    const options = { container: 'mp4', frameRate: null, signal: never } as const;
    const analysis = await decodeAll(decode(chunksOf(clip), options));
    const frames = await rgbFrames(clip, binary);
    expect(frames.map((frame) => frame.timestampUs)).toEqual(analysis.timesUs);
    expect(frames.map((frame) => frame.index)).toEqual(analysis.frames.map((frame) => frame.index));
    expect(frames[0]?.size).toEqual({ width: 640, height: 180 });
    expect(frames[0]?.display).toEqual({ width: 640, height: 180 });
    expect(frames.every((frame) => frame.data.length === 640 * 180 * 3)).toBe(true);
  });
});

test('after a size change full-colour frames keep the first size', async () => {
  const first = await makeClip({ encode: encoders.h264, extension: 'ts', frames: 4 });
  const second = await makeClip({
    encode: encoders.h264,
    extension: 'ts',
    frames: 4,
    size: '240x720',
  });
  const joined = temporaryPath('joined.mp4');
  const both = `concat:${first}|${second}`;
  await ffmpeg(['-i', both, '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov', joined]);
  const frames = await rgbFrames(joined);
  expect(frames).toHaveLength(8);
  expect(frames[7]?.size).toEqual({ width: 320, height: 180 });
  expect(frames[7]?.display).toEqual({ width: 240, height: 720 });
});
