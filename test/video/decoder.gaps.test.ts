import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { splitAccessUnits } from '../../bench/support/access-units.ts';
import type { Container } from '../../src/frame/container.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { DecodeEvent } from '../../src/frame/ports.ts';
import {
  bundledFfmpeg,
  decodeAll,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const frames = 30;
/** Left out: from the middle of one group of pictures to the begin of another. */
const gap = { from: 4, to: 20 };
const groups = '-g 10 -keyint_min 10 -sc_threshold 0';
const fragments = '-movflags frag_every_frame+empty_moov+default_base_moof';

const streams: readonly (readonly [Container, string, string])[] = [
  ['h264-annex-b', 'h264', `${encoders.h264} ${groups}`],
  ['hevc-annex-b', 'hevc', `${encoders.hevc}:keyint=10:min-keyint=10:scenecut=0`],
  ['mp4', 'mp4', `${encoders.h264} ${groups} ${fragments}`],
  ['mpeg-ts', 'ts', `${encoders.h264} ${groups} -muxdelay 0`],
  ['flv', 'flv', `${encoders.h264} ${groups}`],
  ['ivf', 'ivf', `${encoders.vp8} -g 10`],
  ['mjpeg', 'mjpeg', encoders.mjpeg],
];

test.each(streams)(
  '%s bears a gap before a random access point: index and time go on',
  async (container, extension, encode) => {
    const path = await makeClip({ encode, extension, frames });
    const units = splitAccessUnits(await readFile(path), container);
    expect(units).toHaveLength(frames);
    for (const ffmpeg of [systemFfmpeg, bundledFfmpeg]) {
      const decode = (
        chunks: AsyncIterable<Uint8Array>,
        skipped: number,
      ): AsyncIterable<DecodeEvent> =>
        createDecoder({ ffmpeg })(chunks, {
          container,
          frameRate: 30,
          framesSkippedBefore: (decoded) => (decoded < gap.from ? 0 : skipped),
          signal: never,
        });
      const whole = await decodeAll(decode(sent(units), 0), { keepPixels: true });
      const kept = units.filter((_, unit) => unit < gap.from || unit >= gap.to);
      const cut = await decodeAll(decode(sent(kept), gap.to - gap.from), { keepPixels: true });
      const expected = whole.frames.filter(({ index }) => index < gap.from || index >= gap.to);
      expect(cut.error).toBeNull();
      expect(cut.frames.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
      expect(cut.timesUs).toEqual(expected.map(({ timestampUs }) => timestampUs));
      expect(digests(cut.pixels)).toEqual(
        digests(expected.map(({ index }) => whole.pixels[index]!)),
      );
    }
  },
);

/** Pixels by their digest: arrays of this size compare slowly. */
function digests(pixels: readonly Uint8Array[]): string[] {
  return pixels.map((bytes) => createHash('sha1').update(bytes).digest('hex'));
}

async function* sent(units: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* units;
}
