import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Container } from '../../frame/container.ts';
import { readVideoFile } from '../../video/index.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import type { Input } from './inputs.ts';
import type { SegmentJob } from './segment-job.ts';
import { readSequence } from './sequence.ts';

/** A video whose bytes are there. The opener disposes it. */
export type OpenVideo = AsyncDisposable & {
  readonly name: string;
  readonly container: Container;
  /** Frames a second, for streams without timing of their own; null where the file knows. */
  readonly frameRate: number | null;
  /** Files of a sequence, each of which is one chunk and one frame; null for a video. */
  readonly files: readonly string[] | null;
  /** Whether `chunks` can be called again: not for a pipe that was not opened for that. */
  readonly readsAgain: boolean;
  chunks(): AsyncIterable<Uint8Array>;
};

/** Time between the pictures of a folder says nothing; a film's rate is as good as any. */
const defaultSequenceRate = 24;

/**
 * Opens a video, or a folder of images as a video of JPEGs.
 *
 * @param again the bytes are read more than once: those of a pipe are kept in a temporary file first
 */
export async function openVideo(
  input: Extract<Input, { kind: 'video' | 'sequence' }>,
  job: Pick<SegmentJob, 'frameRate' | 'io'>,
  { again }: { readonly again: boolean },
): Promise<OpenVideo> {
  const { name } = input;
  const { signal } = job.io;
  if (input.kind === 'sequence') {
    const { files } = input;
    return {
      name,
      container: 'mjpeg',
      frameRate: job.frameRate ?? defaultSequenceRate,
      files,
      readsAgain: true,
      chunks: () => readSequence(files, { ffmpeg: findConfiguredFfmpeg, signal }),
      [Symbol.asyncDispose]: nothingToRemove,
    };
  }
  const { container, source } = input;
  const { frameRate } = job;
  const known = { name, container, frameRate, files: null, readsAgain: true };
  const fromFile = (path: string) => () =>
    readVideoFile(path, { container, ffmpeg: findConfiguredFfmpeg });
  if (source.kind === 'file') {
    return { ...known, chunks: fromFile(source.path), [Symbol.asyncDispose]: nothingToRemove };
  }
  if (!again) {
    const chunks = () => source.chunks;
    return { ...known, readsAgain: false, chunks, [Symbol.asyncDispose]: nothingToRemove };
  }
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-pipe-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'video');
    await pipeline(Readable.from(source.chunks), createWriteStream(path), { signal });
    return { ...known, chunks: fromFile(path), [Symbol.asyncDispose]: remove };
  } catch (reason) {
    await remove();
    throw reason;
  }
}

async function nothingToRemove(): Promise<void> {}
