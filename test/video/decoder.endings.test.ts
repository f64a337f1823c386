import { setTimeout } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { SegmentationError } from '../../src/frame/errors.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { DecodeEvent } from '../../src/frame/ports.ts';
import type { DecoderOptions } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  childIds,
  onlyDecoderId,
  chunksOf,
  decodeAll,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';
import { noiseBytes } from '../fixtures/noise-bytes.ts';
import type { Decoded } from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const allContainers: readonly Container[] = [
  'h264-annex-b',
  'hevc-annex-b',
  'mpeg-ts',
  'mp4',
  'matroska',
  'webm',
  'ivf',
  'mjpeg',
  'avi',
  'flv',
  'mpeg-video',
];

function decode(
  bytes: string | Uint8Array,
  container: Container,
  options: Partial<DecoderOptions> & { readonly frameRate?: number | null } = {},
): Promise<Decoded> {
  const decoder = createDecoder({ ffmpeg: systemFfmpeg, ...options });
  const frameRate = options.frameRate === undefined ? 30 : options.frameRate;
  return decodeAll(decoder(chunksOf(bytes), { container, frameRate, signal: never }));
}

/** The error that ended a stream. */
function errorOf(decoded: Decoded): SegmentationError {
  if (decoded.error instanceof SegmentationError) return decoded.error;
  throw new Error(`expected an error, got ${decoded.frames.length} frames`, {
    cause: decoded.error,
  });
}

test('a decoder that is frozen, with what watches it, ends with its stream', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'ts', frames: 60 });
  const decoder = createDecoder({ ffmpeg: systemFfmpeg });
  const options = { container: 'mpeg-ts', frameRate: null, signal: never } as const;
  const frozen: number[] = [];
  for await (const event of decoder(chunksOf(await readFile(clip)), options)) {
    if (event.kind !== 'frame') continue;
    event.frame.close();
    frozen.push(...childIds(), onlyDecoderId());
    for (const id of frozen) process.kill(id, 'SIGSTOP');
    break;
  }
  expect(frozen).not.toEqual([]);
});

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg, allContainers],
  ['the bundled ffmpeg', bundledFfmpeg, ['mpeg-ts', 'mp4', 'webm', 'h264-annex-b']],
] as const)('with %s', (_, binary, declared) => {
  test.each([
    ['fragmented MP4', 'mp4', `${encoders.h264} -movflags frag_keyframe+empty_moov`, 'mp4'],
    ['faststart MP4', 'mp4', `${encoders.h264} -movflags +faststart`, 'mp4'],
    ['Matroska', 'matroska', encoders.h264, 'mkv'],
    ['WebM', 'webm', encoders.vp8, 'webm'],
    ['IVF', 'ivf', encoders.vp9, 'ivf'],
    ['AVI', 'avi', encoders.mjpeg, 'avi'],
    ['FLV', 'flv', encoders.h264, 'flv'],
    ['MPEG-TS', 'mpeg-ts', encoders.h264, 'ts'],
  ] as const)(
    'a truncated %s gives its frames and says so',
    async (_name, container, encode, extension) => {
      const whole = await readFile(await makeClip({ encode, extension }));
      // Not at the end of a transport packet, which is a good place to stop.
      const half = Math.floor((whole.length * 0.6) / 188) * 188 + 61;
      const decoded = await decode(whole.subarray(0, half), container, { ffmpeg: binary });
      expect(decoded.error).toBeNull();
      expect(decoded.truncated).toBe(true);
      expect(decoded.frames.length).toBeGreaterThan(3);
      expect(decoded.frames.length).toBeLessThan(20);
    },
  );

  test.each(declared)('random bytes declared as %s are undecodable', async (container) => {
    const error = errorOf(await decode(noiseBytes(200_000), container, { ffmpeg: binary }));
    expect(error.code).toBe('undecodable-video');
    expect(error.message).toContain(container);
    expect(error.message).not.toMatch(/\/(?:tmp|dev|usr|home)|pipe:|@ 0x/);
  });
});

test.each(allContainers)('a stream of no bytes declared as %s is empty', async (container) => {
  expect(errorOf(await decode(new Uint8Array(0), container)).code).toBe('empty-stream');
  expect(errorOf(await decode(new Uint8Array(0), container, { frameRate: null })).code).toBe(
    'empty-stream',
  );
});

test.each([
  ['mp4', 'matroska'],
  ['matroska', 'mp4'],
  ['mpeg-ts', 'ivf'],
  ['flv', 'matroska'],
  ['mpeg-ts', 'h264-annex-b'],
  ['mpeg-ts', 'hevc-annex-b'],
  ['mp4', 'h264-annex-b'],
  ['matroska', 'h264-annex-b'],
  ['flv', 'h264-annex-b'],
  ['mp4', 'mjpeg'],
  ['mpeg-ts', 'mpeg-video'],
] as const)('%s declared as %s is undecodable', async (actual, declared) => {
  const extension = { mp4: 'mp4', matroska: 'mkv', 'mpeg-ts': 'ts', flv: 'flv' }[actual];
  const clip = await makeClip({ encode: encoders.h264, extension });
  expect(errorOf(await decode(clip, declared)).code).toBe('undecodable-video');
});

test.each([
  ['avi', 'mjpeg', encoders.mjpeg],
  ['matroska', 'mjpeg', encoders.mjpeg],
  ['mpeg-ts', 'mpeg-video', encoders.mpeg2],
  ['mpeg-ts', 'h264-annex-b', encoders.h264],
  ['mpeg-ts', 'hevc-annex-b', encoders.hevc],
] as const)(
  '%s whose pictures are %s is not taken for these alone',
  async (actual, raw, encode) => {
    const extension = { avi: 'avi', matroska: 'mkv', 'mpeg-ts': 'ts' }[actual];
    const error = errorOf(await decode(await makeClip({ encode, extension }), raw));
    expect(error).toMatchObject({
      code: 'undecodable-video',
      message: `expected ${raw} video, got ${actual}: declare the container that is sent`,
    });
  },
);

test('an MPEG-1 stream whose times ffmpeg loses is not said to be damaged', async () => {
  const still = { filter: 'drawbox=c=gray:t=fill', frames: 30 };
  const clip = await makeClip({ encode: encoders.mpeg1, extension: 'm1v', ...still });
  const decoded = await decode(clip, 'mpeg-video');
  expect(decoded).toMatchObject({ error: null, warnings: 0 });
  expect(decoded.frames).toHaveLength(30);
});

test('a scrambled transport stream is said to be encrypted', async () => {
  const bytes = await readFile(await makeClip({ encode: encoders.h264, extension: 'ts' }));
  for (let at = 0; at < bytes.length; at += 188) {
    if ((bytes.readUInt16BE(at + 1) & 0x1fff) !== 0x100) continue;
    bytes[at + 3] = (bytes[at + 3] ?? 0) | 0x80;
    for (let i = at + 12; i < at + 188; i++) bytes[i] = (bytes[i] ?? 0) ^ ((i * 131) & 0xff);
  }
  const error = errorOf(await decode(bytes, 'mpeg-ts'));
  expect(error.code).toBe('undecodable-video');
  expect(error.message).toContain('encrypted');
});

test('an MP4 that lost its index is undecodable, as nothing of it can be shown', async () => {
  const whole = await readFile(await makeClip({ encode: encoders.h264, extension: 'mp4' }));
  expect(errorOf(await decode(whole.subarray(0, whole.length / 2), 'mp4')).code).toBe(
    'undecodable-video',
  );
});

test.each([
  ['matroska', '-c:v ffv1', 'mkv', 'ffv1'],
  ['avi', '-c:v msmpeg4', 'avi', 'msmpeg4v3'],
  ['flv', '-c:v flv', 'flv', 'flv1'],
] as const)('%s with %s is an unsupported codec', async (container, encode, extension, codec) => {
  const clip = await makeClip({ encode, extension });
  const error = errorOf(await decode(clip, container));
  expect(error.code).toBe('unsupported-codec');
  expect(error.message).toContain(codec);
});

test.each([
  ['mp4', `${encoders.h264} -movflags +faststart`, 'mp4'],
  ['mjpeg', encoders.mjpeg, 'mjpeg'],
  ['webm', encoders.vp9, 'webm'],
] as const)('more pixels than allowed in %s are refused', async (container, encode, extension) => {
  const clip = await makeClip({ encode, extension });
  const error = errorOf(await decode(clip, container, { maxFramePixels: 50_000 }));
  expect(error.code).toBe('frame-too-large');
  expect(error.message).toContain('50000');
});

test('an absurd pixel aspect counts as pixels', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'mkv', filter: 'setsar=255/1' });
  expect(errorOf(await decode(clip, 'matroska', { maxFramePixels: 320 * 180 * 20 })).code).toBe(
    'frame-too-large',
  );
});

test('an index at the end beyond the spool limit is refused', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'mp4' });
  const error = errorOf(await decode(clip, 'mp4', { maxSpoolBytes: 20_000 }));
  expect(error.code).toBe('spool-too-large');
  expect(error.message).toContain('20000');
});

test.each([
  ['mjpeg', encoders.mjpeg, 'mjpeg'],
  ['hevc-annex-b', `${encoders.hevc}:vui-timing-info=0`, 'hevc'],
] as const)('%s without timing needs a frame rate', async (container, encode, extension) => {
  const clip = await makeClip({ encode, extension });
  const error = errorOf(await decode(clip, container, { frameRate: null }));
  expect(error.code).toBe('invalid-config');
  expect(error.message).toContain('frame_rate');
  const decoded = await decode(clip, container, { frameRate: 12.5 });
  expect(decoded.timesUs.slice(0, 3)).toEqual([0, 80_000, 160_000]);
  expect(decoded.formats[0]?.frameRate).toBe(12.5);
});

test('a declared frame rate wins over that of the headers', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'h264', frames: 5 });
  const decoded = await decode(clip, 'h264-annex-b', { frameRate: 10 });
  expect(decoded.timesUs).toEqual([0, 100_000, 200_000, 300_000, 400_000]);
  expect(decoded.formats[0]?.frameRate).toBe(10);
});

test('a killed child ends the stream with an error, after what was decoded', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'h264', frames: 60 });
  const events = createDecoder({ ffmpeg: systemFfmpeg })(endless(clip), {
    container: 'h264-annex-b',
    frameRate: null,
    signal: never,
  });
  const seen = await decodeAll(
    tap(events, (count) => {
      if (count === 5) process.kill(onlyDecoderId(), 'SIGKILL');
    }),
  );
  expect(errorOf(seen).code).toBe('decoder-failed');
  expect(errorOf(seen).message).toContain('SIGKILL');
  expect(seen.frames.length).toBeGreaterThanOrEqual(5);
});

test('a child that has input and gives nothing has stalled', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'h264', frames: 60 });
  const decoder = createDecoder({ ffmpeg: systemFfmpeg, stallTimeoutMs: 400 });
  const options = { container: 'h264-annex-b', frameRate: null, signal: never } as const;
  const seen = await decodeAll(
    tap(decoder(endless(clip), options), (count) => {
      if (count === 5) process.kill(onlyDecoderId(), 'SIGSTOP');
    }),
  );
  expect(errorOf(seen).code).toBe('decoder-stalled');
});

test('a receiver that is slow at the end of the video is no stalled child', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'h264', frames: 3 });
  const stallTimeoutMs = 1000;
  const decoder = createDecoder({ ffmpeg: systemFfmpeg, stallTimeoutMs });
  const options = { container: 'h264-annex-b', frameRate: null, signal: never } as const;
  async function* slow() {
    for await (const event of decoder(chunksOf(clip), options)) {
      yield event;
      if (event.kind !== 'frame' || event.frame.index > 0) continue;
      // The child has given all and waits for nobody; its time would be over twice.
      await setTimeout(2.5 * stallTimeoutMs);
    }
  }
  const { frames, error } = await decodeAll(slow());
  expect(error).toBeNull();
  expect(frames).toHaveLength(3);
});

test('an ffmpeg that cannot be started is a failed decoder', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'h264' });
  const ffmpeg = { ...systemFfmpeg, path: '/nowhere/ffmpeg' };
  expect(errorOf(await decode(clip, 'h264-annex-b', { ffmpeg })).code).toBe('decoder-failed');
});

test('a sender that fails ends the stream with its own error', async () => {
  const clip = await makeClip({ encode: encoders.h264, extension: 'h264' });
  async function* failing(): AsyncGenerator<Uint8Array, void, void> {
    yield* chunksOf(clip);
    throw new Error('the line is dead');
  }
  const options = { container: 'h264-annex-b', frameRate: null, signal: never } as const;
  const decoded = await decodeAll(createDecoder({ ffmpeg: systemFfmpeg })(failing(), options));
  expect(decoded.error).toMatchObject({ message: 'the line is dead' });
});

/** The same clip over and over, for as long as it is read. */
async function* endless(clip: string): AsyncGenerator<Uint8Array, void, void> {
  for (;;) yield* chunksOf(clip);
}

/** Passes events on and says after each frame how many there were. */
async function* tap(
  events: AsyncIterable<DecodeEvent>,
  onFrame: (count: number) => void,
): AsyncGenerator<DecodeEvent, void, void> {
  let count = 0;
  for await (const event of events) {
    yield event;
    if (event.kind === 'frame') onFrame(++count);
  }
}
