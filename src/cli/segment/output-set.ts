import { dirname, extname, join } from 'node:path';
import { usageError } from '../../frame/errors.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { noOutput } from '../../formats/json-lines.ts';
import { createFolderOutput } from '../output/folder-output.ts';
import { makeFolder } from '../output/make-folder.ts';
import { createMaskOutput } from '../output/mask-output.ts';
import type { OutputFormat } from '../output/output-format.ts';
import { createOverlayOutput } from '../output/overlay-output.ts';
import type { OverlayStyle } from '../output/overlay-style.ts';
import { createZipArchive } from '../output/zip-output.ts';
import type { Input } from './inputs.ts';
import { createLabelSet, type LabelFormat } from './label-set.ts';
import type { OpenVideo } from './open-video.ts';

/**
 * Where all inputs of one command line go. Each output of a ZIP or label file is closed or discarded
 * before the next; others may be open side by side.
 */
export type OutputSet = {
  /** Videos are read twice, the second time for their pictures. */
  readonly readsAgain: boolean;
  /** Masks and scores of one input. */
  output(input: Input): Output;
  /** The same for a video, which may also become an overlay. */
  video(input: Input, video: OpenVideo): Output;
  /** A file or folder that is there when the input is done, and has a place of its own. */
  placeOf(input: Input): string;
  close(): Promise<void>;
  discard(): Promise<void>;
};

/** What the command line says of the form. */
export type OutputSetOptions = {
  readonly format: OutputFormat;
  readonly style: OverlayStyle;
  readonly signal: AbortSignal;
};

/**
 * Makes the folder that is written into at once. Throws `usage` where the form does not fit the inputs,
 * `unreadable-file` where the folder cannot be made.
 */
export function createOutputSet(
  path: string,
  inputs: readonly Input[],
  options: OutputSetOptions,
): OutputSet {
  const { format } = options;
  const none = { readsAgain: false, close: nothing, discard: nothing, placeOf: () => path };
  const several = inputs.length > 1;
  switch (format) {
    case 'mp4':
    case 'webm':
      return { ...none, ...overlay(path, inputs, options) };
    case 'zip':
      return { ...none, ...zip(path, several) };
    case 'dir': {
      const removeEmpty = makeFolder(path);
      const output = ({ name }: Input) => createFolderOutput(several ? join(path, name) : path);
      const placeOf = ({ name }: Input) => join(several ? join(path, name) : path, 'frames.json');
      return { ...none, output, video: output, placeOf, discard: async () => removeEmpty() };
    }
    case 'mask':
    case 'coco':
    case 'ytvis':
    case 'davis':
    case 'labelme':
    case 'yolo':
      return { ...none, ...labels(path, inputs, format) };
  }
}

function labels(
  path: string,
  inputs: readonly Input[],
  format: LabelFormat,
): Pick<OutputSet, 'output' | 'video'> & Partial<OutputSet> {
  if (format === 'mask' && extname(path).toLowerCase() === '.png') return maskPicture(path, inputs);
  if (format === 'ytvis' && inputs.some(({ kind }) => kind === 'image')) {
    throw usageError('--format ytvis: expected videos or --sequence, got an image');
  }
  const { output, close, placeOf } = createLabelSet(path, format, inputs.length > 1);
  return { output, video: output, close, placeOf };
}

/** No `--out`: the frames go to standard output alone. */
export const noOutputSet: OutputSet = {
  readsAgain: false,
  output: () => noOutput,
  video: () => noOutput,
  placeOf: () => '',
  close: nothing,
  discard: nothing,
};

function zip(path: string, several: boolean): Omit<OutputSet, 'readsAgain' | 'placeOf'> {
  makeFolder(dirname(path));
  const archive = createZipArchive(path);
  const output = ({ name }: Input) => archive.output(several ? name : '');
  const close = () => archive.close();
  return { output, video: output, close, discard: () => archive.discard() };
}

function overlay(
  path: string,
  inputs: readonly Input[],
  { style, format, signal }: OutputSetOptions,
): Pick<OutputSet, 'readsAgain' | 'output' | 'video' | 'placeOf'> {
  const container = format === 'webm' ? 'webm' : 'mp4';
  const several = inputs.length > 1;
  // A file holds one video; a folder has one file for each.
  const isFile = !several || extname(path).toLowerCase() === `.${container}`;
  const lone = several ? `${inputs.length} inputs` : 'an image';
  const refuse = () => usageError(`--out: expected a folder or .zip for ${lone}, got "${path}"`);
  if (several && isFile) throw refuse();
  if (inputs.some(({ kind }) => kind === 'image')) {
    throw isFile ? refuse() : usageError(`--format ${container}: expected videos, got an image`);
  }
  makeFolder(isFile ? dirname(path) : path);
  const placeOf = ({ name }: Input) => (isFile ? path : join(path, `${name}.${container}`));
  return {
    readsAgain: true,
    output: () => {
      throw refuse();
    },
    placeOf,
    video: (input, video) =>
      createOverlayOutput(placeOf(input), video, {
        ffmpeg: findConfiguredFfmpeg,
        style,
        container,
        signal,
      }),
  };
}

function maskPicture(path: string, inputs: readonly Input[]): Pick<OutputSet, 'output' | 'video'> {
  const what = inputs.length > 1 ? `${inputs.length} inputs` : 'a video';
  const refuse = () =>
    usageError(`--out: expected a folder, .zip, .mp4 or .webm for ${what}, got "${path}"`);
  if (inputs.length > 1 || inputs[0]?.kind !== 'image') throw refuse();
  makeFolder(dirname(path));
  return {
    output: () => createMaskOutput(path),
    video: () => {
      throw refuse();
    },
  };
}

/** Folders and overlays need no end of their own. */
async function nothing(): Promise<void> {}
