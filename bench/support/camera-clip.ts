import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { encodeCamera, splitFragments } from '../../src/cli/demo/encode-camera.ts';
import { createScene } from '../../src/cli/demo/scene.ts';
import type { Clip } from '../../src/evaluation/clips.ts';
import { findClips, readTrueMasks } from '../../src/evaluation/clips.ts';
import type { Box, Size } from '../../src/frame/geometry.ts';
import { scaleBox } from '../../src/frame/geometry.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';
import { measureDecoding } from '../../src/evaluation/clip-flow.ts';
import type { BenchOptions } from './bench-options.ts';

/** Frames a second of every camera. */
export const cameraFrameRate = 30;

/** A clip that can be played for any time: forth and back, so that no cut is in it. */
export type CameraClip = AsyncDisposable & {
  /** H.264 without B-frames, 30 frames a second. */
  readonly file: string;
  readonly size: Size;
  /** Objects of the first frame, in display pixels. */
  readonly boxes: readonly Box[];
};

/** What a clip is made from. */
type CameraClipOptions = {
  readonly ffmpeg: FfmpegBinary;
  /** What is filmed; null: the demo's scene. */
  readonly source: Clip | null;
  readonly size: Size;
  /** Most boxes to take from the first frame. */
  readonly maxObjects: number;
  /** Constant bit rate in kbit/s, as most cameras have it; 0: constant quality, twice as heavy to decode. */
  readonly bitRateKbps: number;
  readonly signal: AbortSignal;
};

// Drawing takes longer than encoding: the scene is filmed small and scaled up.
const filmed: Size = { width: 640, height: 360 };
const filmedFrames = 150;
const seed = 2026;
const x264 = '-c:v libx264 -preset veryfast -tune zerolatency -g 60 -pix_fmt yuv420p';
const quiet = '-hide_banner -nostats -loglevel error -y';

/** The clip that `--size`, `--objects`, `--bit-rate` and `--source` of a bench ask for. The caller disposes it. */
export async function cameraClipFrom(
  options: BenchOptions,
  parts: Pick<CameraClipOptions, 'ffmpeg' | 'signal'>,
): Promise<CameraClip> {
  const folder = options.text('source');
  const [source = null] = folder === '' ? [] : await findClips(folder, null);
  const size = pictureSize(options.text('size'));
  const maxObjects = options.number('objects');
  const bitRateKbps = options.number('bit-rate');
  return await createCameraClip({ ...parts, source, size, maxObjects, bitRateKbps });
}

/** WIDTHxHEIGHT as a size. */
export function pictureSize(text: string): Size {
  const [width = 0, height = 0] = text.split('x').map(Number);
  return { width, height };
}

/** Makes a clip of a camera's pictures. The caller disposes it, which removes its files. */
export async function createCameraClip(options: CameraClipOptions): Promise<CameraClip> {
  const { ffmpeg, size, signal, maxObjects } = options;
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-camera-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const { video, filmedSize, boxes } = await findSource(options, folder);
    const file = join(folder, 'camera.mp4');
    const once = `scale=${size.width}:${size.height},setsar=1,setpts=N/(${cameraFrameRate}*TB)`;
    const graph = `[0:v]${once},split[a][b];[b]reverse[r];[a][r]concat,fps=${cameraFrameRate}`;
    const words = [...quiet.split(' '), '-i', video, '-filter_complex', graph];
    const rate = rateWords(options.bitRateKbps);
    const encoder = `${x264} ${rate}`.split(' ');
    await promisify(execFile)(ffmpeg.path, [...words, '-an', ...encoder, file], { signal });
    const scaled = boxes.slice(0, maxObjects).map((box) => scaleBox(box, filmedSize, size));
    return { file, size, boxes: scaled, [Symbol.asyncDispose]: remove };
  } catch (reason) {
    await remove();
    throw reason;
  }
}

function rateWords(kbps: number): string {
  return kbps === 0 ? '-crf 20' : `-b:v ${kbps}k -maxrate ${kbps}k -bufsize ${kbps}k`;
}

/** The clip over and over as fragmented MP4, one fragment a frame; ends after `frames`. */
export function playFragments(
  clip: CameraClip,
  options: { readonly ffmpeg: FfmpegBinary; readonly frames: number; readonly signal: AbortSignal },
): Readable {
  const input = `${quiet} -stream_loop -1 -i`.split(' ');
  const output = `-frames:v ${options.frames} -c copy -f mp4 -movflags frag_every_frame+empty_moov+default_base_moof pipe:1`;
  const words = [...input, clip.file, ...output.split(' ')];
  const { signal } = options;
  const stdio = ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'];
  const child = spawn(options.ffmpeg.path, words, { stdio, signal });
  // An abort shows in the stream that ends early.
  child.on('error', () => undefined);
  return child.stdout;
}

/** All pieces of {@link playFragments}, one a frame. */
export async function readPieces(
  clip: CameraClip,
  options: Parameters<typeof playFragments>[1],
): Promise<Buffer[]> {
  return splitFragments(await buffer(playFragments(clip, options)));
}

/** Whether a fragment of one H.264 frame begins with a picture that needs no other. */
export function isRandomAccess(fragment: Buffer): boolean {
  const media = fragment.indexOf('mdat', 0, 'latin1') + 4;
  for (let at = media; at + 5 <= fragment.length; at += 4 + fragment.readUInt32BE(at)) {
    const unitType = fragment.readUInt8(at + 4) & 0x1f;
    if (unitType === 5) return true;
    if (unitType >= 1 && unitType < 5) return false;
  }
  return false;
}

type Source = { readonly video: string; readonly filmedSize: Size; readonly boxes: Box[] };

async function findSource(options: CameraClipOptions, folder: string): Promise<Source> {
  const { ffmpeg, source, signal } = options;
  if (source === null) return filmScene(options, folder);
  const first = source.maskFiles.get(0);
  if (first === undefined || !existsSync(source.videoFile)) {
    throw new Error(`${source.name}: expected clip.mp4 and masks/00000.png`);
  }
  const decode = createDecoder({ ffmpeg });
  const { display } = await measureDecoding(source.videoFile, decode, signal);
  const { objects } = await readTrueMasks(first, display);
  const boxes = [...objects.values()].flatMap(({ box }) => (box === null ? [] : [box]));
  return { video: source.videoFile, filmedSize: display, boxes };
}

async function filmScene({ ffmpeg, signal }: CameraClipOptions, folder: string): Promise<Source> {
  const scene = createScene({ size: filmed, frameCount: filmedFrames, seed });
  const { masks } = scene.render(0);
  const video = join(folder, 'scene.mp4');
  await writeFile(video, await encodeCamera(scene, { ffmpeg, onFrame: () => undefined, signal }));
  const boxes = [...masks.values()].flatMap(({ box }) => (box === null ? [] : [box]));
  return { video, filmedSize: filmed, boxes };
}
