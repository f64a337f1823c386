import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Container } from '../../src/frame/container.ts';
import { AccessUnitCloser } from '../../src/server/requests/close-access-unit.ts';
import { createDecoder, findFfmpeg } from '../../src/video/index.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import { parseBenchWords } from '../support/bench-options.ts';
import { splitAccessUnits } from '../support/access-units.ts';

/*
 * Frames and milliseconds that decoding adds, per container: access units are sent one every 33.3 ms,
 * as a live camera would, and each frame is timed from the moment its own bytes were sent. Raw streams
 * run twice: with the end of each access unit marked, and without.
 *
 *   npm run bench decode-delay -- [path of another ffmpeg]
 */

const frameCount = 60;
const intervalMs = 1000 / 30;

type Case = {
  readonly name: string;
  readonly container: Container;
  readonly encode: readonly string[];
  readonly extension: string;
  /** Each chunk is marked as a whole access unit (`ends_access_unit`). */
  readonly marked: boolean;
};

const x264 = '-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 30 -x264-params slices=1';
const plain = `${x264} -bf 0`;
const reordered = `${x264} -bf 3 -b_strategy 0`;
const fragmented = '-movflags frag_every_frame+empty_moov+default_base_moof';
const perCluster = '-cluster_time_limit 0';
const vp9 = '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0';
const vp8 = '-c:v libvpx -deadline realtime -cpu-used 8 -lag-in-frames 0';
const x265 = '-c:v libx265 -preset ultrafast -x265-params log-level=error:bframes=';

const cases: readonly Case[] = [
  clip('fragmented MP4', 'mp4', `${plain} ${fragmented}`, 'mp4'),
  clip('fragmented MP4, B-frames', 'mp4', `${reordered} ${fragmented}`, 'mp4'),
  clip('Matroska, cluster per frame', 'matroska', `${plain} ${perCluster}`, 'mkv'),
  clip('WebM VP8, cluster per frame', 'webm', `${vp8} ${perCluster}`, 'webm'),
  clip('WebM VP9, cluster per frame', 'webm', `${vp9} ${perCluster}`, 'webm'),
  clip('IVF VP8', 'ivf', vp8, 'ivf'),
  clip('IVF VP9', 'ivf', vp9, 'ivf'),
  clip('H.264 Annex B', 'h264-annex-b', plain, 'h264'),
  clip('H.264 Annex B, B-frames', 'h264-annex-b', reordered, 'h264'),
  clip('HEVC Annex B', 'hevc-annex-b', `${x265}0`, 'hevc'),
  clip('HEVC Annex B, B-frames', 'hevc-annex-b', `${x265}3`, 'hevc'),
  clip('MPEG-TS', 'mpeg-ts', plain, 'ts'),
  clip('MPEG-TS, B-frames', 'mpeg-ts', reordered, 'ts'),
  clip('MJPEG', 'mjpeg', '-c:v mjpeg -q:v 5', 'mjpeg'),
  clip('FLV', 'flv', plain, 'flv'),
];

function clip(name: string, container: Container, encode: string, extension: string): Case {
  return { name, container, encode: encode.split(' '), extension, marked: false };
}

/** The same with the end of each access unit marked, where that tells anything: in raw streams. */
function withMarks(each: Case): Case[] {
  const isRaw = each.container.endsWith('annex-b');
  return isRaw ? [each, { ...each, name: `${each.name}, ends marked`, marked: true }] : [each];
}

const [given] = parseBenchWords({ allowPositionals: true }).positionals;
const binaries = [await findFfmpeg({ ffmpegPath: given })];
const folder = await mkdtemp(join(tmpdir(), 'decode-delay-'));
try {
  for (const ffmpeg of binaries) {
    console.log(`${ffmpeg.describe}\n`);
    console.log('| stream | frames in / out | delay in frames, median (max) | ms p50 | ms p95 |');
    console.log('|---|---|---|---|---|');
    for (const each of cases.flatMap(withMarks)) console.log(await measure(each, ffmpeg));
  }
} finally {
  await rm(folder, { recursive: true });
}

async function measure(each: Case, ffmpeg: FfmpegBinary): Promise<string> {
  const path = join(folder, `clip.${each.extension}`);
  const source = `testsrc2=s=1280x720:r=30:d=${frameCount / 30}`;
  const encode = ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...each.encode, path];
  // The clips come from the ffmpeg that has the encoders, whichever is measured.
  await promisify(execFile)((await findFfmpeg({})).path, encode);
  const units = splitAccessUnits(await readFile(path), each.container);
  const sentAtMs: number[] = [];
  async function* live(): AsyncGenerator<Uint8Array, void, void> {
    const startMs = performance.now();
    const closer = new AccessUnitCloser(each.container);
    for (const [index, unit] of units.entries()) {
      const waitMs = startMs + index * intervalMs - performance.now();
      if (waitMs > 0) await delay(waitMs);
      sentAtMs.push(performance.now());
      yield closer.close(unit, each.marked).data;
    }
    // The end flushes what the decoder holds: late enough not to count.
    await delay(20 * intervalMs);
  }
  const delays: number[] = [];
  const latencies: number[] = [];
  const options = {
    container: each.container,
    frameRate: 30,
    signal: new AbortController().signal,
  };
  const order = await decodeOrder(path, each);
  let frames = 0;
  for await (const event of createDecoder({ ffmpeg })(live(), options)) {
    if (event.kind !== 'frame') continue;
    event.frame.close();
    const unit = order[frames++] ?? 0;
    // What came only with the end of the stream has no delay to speak of.
    if (sentAtMs.length === units.length) continue;
    delays.push(sentAtMs.length - 1 - unit);
    latencies.push(performance.now() - (sentAtMs[unit] ?? 0));
  }
  // The first frames wait for the start of the child.
  const steady = delays.slice(10).toSorted((a, b) => a - b);
  const steadyMs = latencies.slice(10).toSorted((a, b) => a - b);
  return `| ${each.name} | ${units.length} / ${frames} | ${at(steady, 0.5)} (${at(steady, 1)}) | ${at(steadyMs, 0.5).toFixed(1)} | ${at(steadyMs, 0.95).toFixed(1)} |`;
}

/** The value below which `ratio` of the sorted values lie. */
function at(values: readonly number[], ratio: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * ratio))] ?? Number.NaN;
}

/** For each frame in presentation order, the access unit that it came in. */
async function decodeOrder(path: string, each: Case): Promise<number[]> {
  if (!each.name.includes('B-frames')) return Array.from({ length: frameCount }, (_, i) => i);
  // A raw stream has no times of its own: the same pictures in MP4 have.
  const timed = join(folder, 'timed.mp4');
  const ffmpeg = (await findFfmpeg({})).path;
  await promisify(execFile)(ffmpeg, [
    '-v',
    'error',
    '-y',
    '-fflags',
    '+genpts',
    '-i',
    path,
    '-c',
    'copy',
    timed,
  ]);
  const probe = ffmpeg.replace(/ffmpeg$/, 'ffprobe');
  const show = ['-v', 'error', '-show_entries', 'packet=pts', '-of', 'csv=p=0', timed];
  const { stdout } = await promisify(execFile)(probe, show);
  const times = stdout
    .trim()
    .split('\n')
    .map((line) => Number.parseInt(line, 10));
  return times
    .map((pts, unit) => ({ pts, unit }))
    .toSorted((a, b) => a.pts - b.pts)
    .map(({ unit }) => unit);
}
