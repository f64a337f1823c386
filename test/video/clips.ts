import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, expect } from 'vitest';
import { liveFrames } from '../../src/frame/frame.ts';
import type { Frame } from '../../src/frame/frame.ts';
import { findFfmpeg } from '../../src/video/index.ts';
import type { DecodeEvent, VideoFormat } from '../../src/frame/ports.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'video-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const installer = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };

/** The ffmpeg of the machine, which also makes the clips. */
export const systemFfmpeg = await findFfmpeg({});
/** The build of 2018 that npm brings. */
export const bundledFfmpeg = await findFfmpeg({ ffmpegPath: installer.path });

/** Encoders without B-frames, unless said otherwise. */
export const encoders = {
  h264: '-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 0',
  h264Reordered: '-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -b_strategy 0',
  hevc: '-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error:bframes=0',
  vp8: '-c:v libvpx -deadline realtime -cpu-used 8',
  vp9: '-c:v libvpx-vp9 -deadline realtime -cpu-used 8',
  av1: '-c:v libaom-av1 -usage realtime -cpu-used 8',
  mjpeg: '-c:v mjpeg -q:v 4',
  mpeg1: '-c:v mpeg1video -q:v 4',
  mpeg2: '-c:v mpeg2video -q:v 4',
  mpeg4: '-c:v mpeg4 -q:v 4',
};

const made = new Map<string, Promise<string>>();

/** Path of a clip with a counter and moving shapes; made once per test file. */
export function makeClip(options: {
  readonly encode: string;
  readonly extension: string;
  readonly size?: string;
  readonly frames?: number;
  readonly filter?: string;
}): Promise<string> {
  const key = JSON.stringify(options);
  const known = made.get(key);
  if (known !== undefined) return known;
  const path = join(folder, `${made.size}.${options.extension}`);
  const frames = options.frames ?? 20;
  const source = `testsrc2=s=${options.size ?? '320x180'}:r=30:d=${frames / 30}`;
  const filter = options.filter === undefined ? [] : ['-vf', options.filter];
  const args = ['-f', 'lavfi', '-i', source, ...filter, '-frames:v', String(frames)];
  const making = ffmpeg([...args, ...options.encode.split(' '), path]).then(() => path);
  made.set(key, making);
  return making;
}

/** A path in the folder of this test file. */
export function temporaryPath(name: string): string {
  return join(folder, name);
}

/** Runs the machine's ffmpeg; gives its standard output. */
export async function ffmpeg(args: readonly string[]): Promise<Buffer> {
  const all = ['-v', 'error', '-y', '-threads', '1', ...args];
  const options = { encoding: 'buffer', maxBuffer: 1 << 30 } as const;
  return (await run(systemFfmpeg.path, all, options)).stdout;
}

/** Times of the frames of a file as ffprobe sees them, in microseconds. */
export async function probeTimesUs(path: string): Promise<number[]> {
  const show = 'frame=best_effort_timestamp,pkt_pts:stream=time_base';
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    show,
    '-of',
    'json',
    path,
  ];
  const probe = systemFfmpeg.path.replace(/ffmpeg$/, 'ffprobe');
  const { stdout } = await run(probe, args, { maxBuffer: 1 << 26 });
  const found = JSON.parse(stdout) as {
    frames: { best_effort_timestamp: number }[];
    streams: { time_base: string }[];
  };
  const [numerator = 0, denominator = 1] = (found.streams[0]?.time_base ?? '')
    .split('/')
    .map(Number);
  return found.frames.map((frame) =>
    Math.round((frame.best_effort_timestamp * numerator * 1e6) / denominator),
  );
}

/** The bytes of a file, or bytes, in chunks that end anywhere. */
export async function* chunksOf(
  source: string | Uint8Array,
  chunkBytes = 10_007,
): AsyncGenerator<Uint8Array, void, void> {
  const bytes = typeof source === 'string' ? await readFile(source) : source;
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** What a whole decode gave; frames are closed, their pixels copied where asked. */
export type Decoded = {
  readonly formats: VideoFormat[];
  readonly timesUs: number[];
  readonly frames: Omit<Frame, 'data'>[];
  readonly pixels: Uint8Array[];
  readonly truncated: boolean;
  readonly warnings: number;
  readonly error: unknown;
};

/** Runs a decode to its end, whatever that is. */
export async function decodeAll(
  events: AsyncIterable<DecodeEvent>,
  options: { readonly keepPixels?: boolean } = {},
): Promise<Decoded> {
  const result = { formats: [], timesUs: [], frames: [], pixels: [] } as unknown as Decoded;
  let truncated = false;
  let warnings = 0;
  let error: unknown = null;
  try {
    for await (const event of events) {
      if (event.kind === 'format') result.formats.push(event.format);
      else if (event.kind === 'truncated') truncated = true;
      else if (event.kind === 'warning') warnings++;
      else {
        const { frame } = event;
        result.frames.push(frame);
        result.timesUs.push(frame.timestampUs);
        if (options.keepPixels === true) result.pixels.push(new Uint8Array(frame.data));
        frame.close();
      }
    }
  } catch (caught) {
    error = caught;
  }
  return { ...result, truncated, warnings, error };
}

/** Ids of the children of this process that are not reaped, zombies included. */
export function childIds(): number[] {
  const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

/** The one child that runs. */
export function onlyChildId(): number {
  const [id, ...others] = childIds();
  if (id === undefined || others.length > 0) throw new Error('expected exactly one child');
  return id;
}

/** After each test of the file: no frame is open, no child is left. */
export function expectNothingLeft(): void {
  afterEach(() => {
    expect(liveFrames()).toBe(0);
    expect(childIds()).toEqual([]);
  });
}

/** A signal that never fires. */
export const never: AbortSignal = new AbortController().signal;
