import { dirname, extname, join } from 'node:path';
import { statSync } from 'node:fs';
import { usageError } from '../../frame/errors.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { createFolderOutput } from '../output/folder-output.ts';
import { makeFolder } from '../output/make-folder.ts';
import { createMaskOutput } from '../output/mask-output.ts';
import { createOverlayOutput } from '../output/overlay-output.ts';
import { createZipArchive } from '../output/zip-output.ts';
import type { Input } from './inputs.ts';
import type { OpenVideo } from './open-video.ts';

/** Where all inputs of one command line go. Each output is closed or discarded before the next. */
export type OutputSet = {
  /** Videos are read twice, the second time for their pictures. */
  readonly readsAgain: boolean;
  /** Masks and scores of one input. */
  output(input: Input): Output;
  /** The same for a video, which may also become an overlay. */
  video(input: Input, video: OpenVideo): Output;
  close(): Promise<void>;
  discard(): Promise<void>;
};

/** Endings that stand for a form that is not written: a folder of such a name is a mistake. */
const otherForms =
  /^\.(?:avi|mov|mkv|webm|m4v|mpe?g|ts|flv|wmv|ogv|gif|jpe?g|webp|bmp|tiff?|heic|json|xml|csv|txt|npy|npz|tar|t?gz|bz2|xz|7z|rar)$/;

/**
 * Chooses by the ending of `path`: .zip, .mp4, .png for a single image, else a folder; what is a folder
 * already stays one.
 *
 * The folder that is written into is made at once. Throws `usage` for an ending of another form and
 * where the form does not fit the inputs, `unreadable-file` where the folder cannot be made.
 */
export function createOutputSet(
  path: string,
  inputs: readonly Input[],
  signal: AbortSignal,
): OutputSet {
  const ending = isFolder(path) ? '' : extname(path).toLowerCase();
  if (otherForms.test(ending)) {
    throw usageError(`--out: expected a folder, .zip, .mp4 or .png, got "${path}"`);
  }
  const none = { readsAgain: false, close: nothing, discard: nothing };
  if (ending === '.mp4') return { ...none, ...overlay(path, inputs, signal) };
  if (ending === '.png') return { ...none, ...maskPicture(path, inputs) };
  const several = inputs.length > 1;
  if (ending === '.zip') {
    makeFolder(dirname(path));
    const archive = createZipArchive(path);
    const output = ({ name }: Input) => archive.output(several ? name : '');
    return {
      ...none,
      output,
      video: output,
      close: () => archive.close(),
      discard: () => archive.discard(),
    };
  }
  const removeEmpty = makeFolder(path);
  const output = ({ name }: Input) => createFolderOutput(several ? join(path, name) : path);
  return { ...none, output, video: output, discard: async () => removeEmpty() };
}

function overlay(
  path: string,
  inputs: readonly Input[],
  signal: AbortSignal,
): Pick<OutputSet, 'readsAgain' | 'output' | 'video'> {
  const lone = inputs.length > 1 ? `${inputs.length} inputs` : 'an image';
  const refuse = () => usageError(`--out: expected a folder or .zip for ${lone}, got "${path}"`);
  if (inputs.length > 1 || inputs.some(({ kind }) => kind === 'image')) throw refuse();
  makeFolder(dirname(path));
  return {
    readsAgain: true,
    output: () => {
      throw refuse();
    },
    video: (_input, video) =>
      createOverlayOutput(path, video, { ffmpeg: findConfiguredFfmpeg, signal }),
  };
}

function maskPicture(path: string, inputs: readonly Input[]): Pick<OutputSet, 'output' | 'video'> {
  const what = inputs.length > 1 ? `${inputs.length} inputs` : 'a video';
  const refuse = () =>
    usageError(`--out: expected a folder, .zip or .mp4 for ${what}, got "${path}"`);
  if (inputs.length > 1 || inputs[0]?.kind !== 'image') throw refuse();
  makeFolder(dirname(path));
  return {
    output: () => createMaskOutput(path),
    video: () => {
      throw refuse();
    },
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Folders and overlays need no end of their own. */
async function nothing(): Promise<void> {}
