import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { CaptureMarks } from '../../src/pipeline/intake/capture-marks.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

const frames = 40;
const groups = 10;
const x264 = `-x264-params aud=1:scenecut=0`;
const perFrame = '-movflags frag_every_frame+empty_moov+default_base_moof';

/** Places at which the units of a stream begin. */
type FindStarts = (bytes: Buffer) => number[];

function every(pattern: readonly number[]): FindStarts {
  return (bytes) => {
    const starts: number[] = [];
    const needle = Buffer.from(pattern);
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
      starts.push(at);
    }
    return starts;
  };
}

/** The type of a box stands behind its length. */
const fragments: FindStarts = (bytes) =>
  every([...Buffer.from('moof')])(bytes).map((start) => start - 4);

/** Packets of the video (0x100) in which a picture begins. */
const packets: FindStarts = (bytes) => {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at += 188) {
    if ((bytes.readUInt16BE(at + 1) & 0x5fff) === 0x4100) starts.push(at);
  }
  return starts;
};

const ivfFrames: FindStarts = (bytes) => {
  const starts: number[] = [];
  for (let at = 32; at < bytes.length; at += 12 + bytes.readUInt32LE(at)) starts.push(at);
  return starts;
};

const streams: readonly [string, Container, string, string, FindStarts][] = [
  ['H.264', 'h264-annex-b', 'h264', `${encoders.h264} ${x264}`, every([0, 0, 0, 1, 9])],
  [
    'H.264 with B-frames',
    'h264-annex-b',
    'h264',
    `${encoders.h264Reordered} ${x264}`,
    every([0, 0, 0, 1, 9]),
  ],
  ['HEVC', 'hevc-annex-b', 'hevc', `${encoders.hevc}:aud=1`, every([0, 0, 0, 1, 0x46])],
  ['MJPEG', 'mjpeg', 'mjpeg', encoders.mjpeg, every([0xff, 0xd8, 0xff])],
  ['MPEG-TS', 'mpeg-ts', 'ts', `${encoders.h264} ${x264}`, packets],
  ['fragmented MP4', 'mp4', 'mp4', `${encoders.h264} ${perFrame}`, fragments],
  ['IVF', 'ivf', 'ivf', encoders.vp8, ivfFrames],
];

function isSorted(units: readonly (number | null)[]): boolean {
  return units.every((unit, i) => i === 0 || (unit ?? -1) > (units[i - 1] ?? -1));
}

/** Sends marked units and gives the number of the unit that each frame says it comes from. */
async function unitsOfFrames(
  units: readonly Buffer[],
  stream: { readonly container: Container; readonly binary: FfmpegBinary; readonly head: Buffer },
): Promise<{ readonly found: (number | null)[]; readonly warnings: string[] }> {
  const marks = new CaptureMarks();
  async function* send(): AsyncGenerator<Uint8Array, void, void> {
    if (stream.head.length > 0) {
      marks.add(stream.head.length, null);
      yield stream.head;
    }
    for (const [number, unit] of units.entries()) {
      marks.add(unit.length, number);
      await Promise.resolve();
      yield unit;
    }
  }
  const decode = createDecoder({ ffmpeg: stream.binary });
  const found: (number | null)[] = [];
  const warnings: string[] = [];
  const options = { container: stream.container, frameRate: 30, signal: never };
  for await (const event of decode(send(), options)) {
    if (event.kind === 'warning') warnings.push(event.message);
    if (event.kind !== 'frame') continue;
    found.push(marks.take(event.position ?? null));
    event.frame.close();
  }
  return { found, warnings };
}

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, binary) => {
  test.each(streams)(
    'a frame of %s knows the unit it comes from, joined late and with a unit lost',
    async (...stream) => {
      const [name, container, extension, encode, findStarts] = stream;
      const path = await makeClip({ encode: `${encode} -g ${groups}`, extension, frames });
      const bytes = await readFile(path);
      const starts = findStarts(bytes);
      expect(starts).toHaveLength(frames);
      const units = starts.map((start, i) => bytes.subarray(start, starts[i + 1] ?? bytes.length));
      const head = bytes.subarray(0, starts[0]);
      const all = await unitsOfFrames(units, { container, binary, head });
      const sorted = all.found.toSorted((a, b) => (a ?? -1) - (b ?? -1));
      expect(sorted).toEqual([...Array(frames).keys()]);
      expect(name.includes('B-frames') || isSorted(all.found)).toBe(true);
      // From within the first group, and without what begins the third.
      const missing = 2 * groups;
      const sent = units.filter((_unit, i) => i >= 3 && i !== missing);
      const numbers = [...Array(frames).keys()].filter((i) => i >= 3 && i !== missing);
      const part = await unitsOfFrames(sent, { container, binary, head });
      const original = part.found.map((unit) => (unit === null ? null : numbers[unit]));
      expect(new Set(original).size).toBe(original.length);
      expect(original).not.toContain(null);
      // The last group is whole: each of its frames is there, under its own number.
      const last = original.filter((unit) => unit !== undefined && (unit ?? 0) >= 3 * groups);
      const whole = [...Array(groups).keys()].map((i) => 3 * groups + i);
      expect(last.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(whole);
    },
  );

  test('pictures of a raw stream that give no frame are said to be missing', async () => {
    const encode = `${encoders.h264} ${x264} -g ${groups}`;
    const bytes = await readFile(await makeClip({ encode, extension: 'h264', frames }));
    const starts = every([0, 0, 0, 1, 9])(bytes);
    const units = starts.map((start, i) => bytes.subarray(start, starts[i + 1] ?? bytes.length));
    const broken = units.map((unit, i) => {
      const copy = Buffer.from(unit);
      if (i === groups) copy.fill(0xff, 12);
      return copy;
    });
    const stream = { container: 'h264-annex-b', binary, head: Buffer.alloc(0) } as const;
    const { found, warnings } = await unitsOfFrames(broken, stream);
    expect(found.length).toBeLessThan(frames);
    expect(found.at(-1)).toBe(frames - 1);
    expect(warnings.length).toBeGreaterThan(0);
    expect((await unitsOfFrames(units, stream)).warnings).toEqual([]);
  });
});
