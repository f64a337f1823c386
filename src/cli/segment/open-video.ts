import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container } from '../../frame/container.ts';
import { detectImage } from '../../video/detect-container.ts';
import { readVideoFile } from '../../video/index.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import { encodePictures } from './encode-pictures.ts';
import type { Input } from './inputs.ts';
import type { SegmentJob } from './segment-job.ts';

/** A video whose bytes can be read more than once. The opener disposes it. */
export type OpenVideo = AsyncDisposable & {
  readonly name: string;
  readonly container: Container;
  /** Frames a second, for streams without timing of their own; null where the file knows. */
  readonly frameRate: number | null;
  /** Null where only decoding would tell. */
  readonly frameCount: number | null;
  chunks(): AsyncIterable<Uint8Array>;
};

/** Time between the pictures of a folder says nothing; a film's rate is as good as any. */
const defaultSequenceRate = 24;

const chunkBytes = 256 * 1024;

/**
 * Opens a video file, or a folder of images as a video: JPEGs are MJPEG as they are, other formats
 * are encoded into a temporary file first.
 */
export async function openVideo(
  input: Extract<Input, { kind: 'video' | 'sequence' }>,
  job: Pick<SegmentJob, 'frameRate' | 'io'>,
): Promise<OpenVideo> {
  const { name } = input;
  if (input.kind === 'video') {
    const { container, file } = input;
    const chunks = () => readVideoFile(file, { container, ffmpeg: findConfiguredFfmpeg });
    const { frameRate } = job;
    return {
      name,
      container,
      frameRate,
      frameCount: null,
      chunks,
      [Symbol.asyncDispose]: nothingToRemove,
    };
  }
  const { files } = input;
  const frameRate = job.frameRate ?? defaultSequenceRate;
  const frameCount = files.length;
  if (await allJpeg(files)) {
    const chunks = () => readAll(files);
    const container = 'mjpeg';
    return {
      name,
      container,
      frameRate,
      frameCount,
      chunks,
      [Symbol.asyncDispose]: nothingToRemove,
    };
  }
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-sequence-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'sequence.mp4');
    const ffmpeg = await findConfiguredFfmpeg();
    await encodePictures(files, { ffmpeg, frameRate, path, signal: job.io.signal });
    const chunks = () => createReadStream(path, { highWaterMark: chunkBytes });
    const rest = { frameRate: null, frameCount, chunks };
    return { name, container: 'mp4', ...rest, [Symbol.asyncDispose]: remove };
  } catch (reason) {
    await remove();
    throw reason;
  }
}

async function nothingToRemove(): Promise<void> {}

async function allJpeg(files: readonly string[]): Promise<boolean> {
  for (const file of files) if (detectImage(await readFile(file)) !== 'jpeg') return false;
  return true;
}

async function* readAll(files: readonly string[]): AsyncIterable<Uint8Array> {
  for (const file of files) yield await readFile(file);
}
