import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { CaptureMarks } from '../../src/pipeline/intake/capture-marks.ts';
import { createDecoder } from '../../src/video/index.ts';
import { caseFile, casesPresent } from '../fixtures/shared-cases.ts';
import {
  bundledFfmpeg,
  chunksOf,
  decodeAll,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const frames = 12;
const perFrame = '-movflags frag_every_frame+empty_moov+default_base_moof';

async function fragmentedClip(size = '320x180'): Promise<Buffer> {
  const encode = `${encoders.h264} -g 6 ${perFrame}`;
  return readFile(await makeClip({ encode, extension: 'mp4', frames, size }));
}

/** Without the index: from the first fragment on. */
function fragmentsOf(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.indexOf('moof') - 4);
}

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
  const decode = (bytes: Uint8Array, chunkBytes: number) => {
    const options = { container: 'mp4', frameRate: null, signal: never } as const;
    return decodeAll(createDecoder({ ffmpeg: binary })(chunksOf(bytes, chunkBytes), options));
  };

  test.each([
    ['its index and its times', (clip: Buffer) => [clip, clip, clip]],
    ['its times', (clip: Buffer) => [clip, fragmentsOf(clip), fragmentsOf(clip)]],
  ])('a fragmented MP4 that begins %s anew gives all frames', async (_name, parts) => {
    const clip = await fragmentedClip();
    const bytes = Buffer.concat(parts(clip));
    const once = await decode(clip, 4096);
    for (const chunkBytes of [7, 1009, bytes.length]) {
      const decoded = await decode(bytes, chunkBytes);
      expect([decoded.error, decoded.truncated]).toEqual([null, false]);
      expect(decoded.timesUs).toEqual([...once.timesUs, ...once.timesUs, ...once.timesUs]);
      expect(decoded.frames.map(({ index }) => index)).toEqual([...Array(3 * frames).keys()]);
    }
  });

  test('another index may bring another size', async () => {
    const bytes = Buffer.concat([await fragmentedClip(), await fragmentedClip('160x120')]);
    const decoded = await decode(bytes, 1009);
    expect(decoded.formats.map(({ fromFrameIndex, display }) => [fromFrameIndex, display])).toEqual(
      [
        [0, { width: 320, height: 180 }],
        [frames, { width: 160, height: 120 }],
      ],
    );
  });

  test('places go on behind the new beginning', async () => {
    const clip = await fragmentedClip();
    const bytes = Buffer.concat([clip, fragmentsOf(clip)]);
    const marks = new CaptureMarks();
    let unit = 0;
    async function* units(): AsyncGenerator<Uint8Array, void, void> {
      for (let at = 0; at < bytes.length;) {
        const next = bytes.indexOf('moof', at === 0 ? bytes.indexOf('moof') + 4 : at + 8);
        const end = next < 0 ? bytes.length : next - 4;
        marks.add(end - at, unit++);
        yield bytes.subarray(at, end);
        at = end;
        await Promise.resolve();
      }
    }
    const found: (number | null)[] = [];
    const options = { container: 'mp4', frameRate: null, signal: never } as const;
    for await (const event of createDecoder({ ffmpeg: binary })(units(), options)) {
      if (event.kind !== 'frame') continue;
      found.push(marks.take(event.position ?? null));
      event.frame.close();
    }
    expect(found).toEqual([...Array(2 * frames).keys()]);
  });

  test.skipIf(!casesPresent)('the file of a user whose sender reconnected', async () => {
    const decoded = await decode(await readFile(caseFile('h41/fmp4_times_restart.mp4')), 4096);
    expect([decoded.error, decoded.frames.length]).toEqual([null, 20]);
  });
});
