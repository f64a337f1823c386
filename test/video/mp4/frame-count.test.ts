import { expect, test } from 'vitest';
import { countMp4Frames } from '../../../src/video/index.ts';
import { encoders, makeClip } from '../../fixtures/encoded-clips.ts';

const clip = (flags: string) =>
  makeClip({ encode: `${encoders.h264}${flags}`, extension: 'mp4', frames: 7 });

test('the index says how many frames there are, wherever it stands', async () => {
  expect(await countMp4Frames(await clip(''))).toBe(7);
  expect(await countMp4Frames(await clip(' -movflags faststart'))).toBe(7);
});

test('nobody knows of fragments, or of what is no MP4', async () => {
  expect(await countMp4Frames(await clip(' -movflags frag_keyframe+empty_moov'))).toBeNull();
  const other = await makeClip({ encode: encoders.vp8, extension: 'webm', frames: 3 });
  expect(await countMp4Frames(other)).toBeNull();
});
