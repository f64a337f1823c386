import { usageError } from '../../frame/errors.ts';
import { join } from 'node:path';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { createFolderOutput } from '../output/folder-output.ts';
import { createOverlayOutput } from '../output/overlay-output.ts';
import { createZipArchive } from '../output/zip-output.ts';
import type { Input } from './inputs.ts';
import type { OpenVideo } from './open-video.ts';

/** Where all inputs of one command line go. Each output is closed or discarded before the next. */
export type OutputSet = {
  /** Masks and scores of one input. */
  output(input: Input): Output;
  /** The same for a video, which may also become an overlay. */
  video(input: Input, video: OpenVideo): Output;
  close(): Promise<void>;
  discard(): Promise<void>;
};

/** Chooses by the ending of `path`: .zip, .mp4, else a folder. Throws `usage`. */
export function createOutputSet(
  path: string,
  inputs: readonly Input[],
  signal: AbortSignal,
): OutputSet {
  const several = inputs.length > 1;
  if (path.endsWith('.mp4')) {
    const lone = several ? `${inputs.length} inputs` : 'an image';
    const refuse = () => usageError(`--out: expected a folder or .zip for ${lone}, got "${path}"`);
    if (several || inputs.some(({ kind }) => kind === 'image')) throw refuse();
    return {
      output: () => {
        throw refuse();
      },
      video: (_input, video) =>
        createOverlayOutput(path, video, { ffmpeg: findConfiguredFfmpeg, signal }),
      close: nothing,
      discard: nothing,
    };
  }
  if (path.endsWith('.zip')) {
    const archive = createZipArchive(path);
    const output = ({ name }: Input) => archive.output(several ? name : '');
    return {
      output,
      video: output,
      close: () => archive.close(),
      discard: () => archive.discard(),
    };
  }
  const output = ({ name }: Input) => createFolderOutput(several ? join(path, name) : path);
  return { output, video: output, close: nothing, discard: nothing };
}

/** Folders and overlays need no end of their own. */
async function nothing(): Promise<void> {}
