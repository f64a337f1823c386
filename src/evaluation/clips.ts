import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SegmentationError, usageError } from '../frame/errors.ts';
import type { Size } from '../frame/geometry.ts';
import { maskFromBitmap } from '../frame/mask.ts';
import type { Mask } from '../frame/mask.ts';
import type { IdPicture } from '../formats/id-picture.ts';
import { readIndexedPng } from '../formats/indexed-png.ts';

/** The clips of DAVIS 2016 validation that this project measures; their mean stands apart. */
export const davisClips: ReadonlySet<string> = new Set([
  'blackswan',
  'bmx-trees',
  'camel',
  'car-shadow',
  'dance-twirl',
  'goat',
  'libby',
  'soapbox',
]);

/** A clip whose true masks are known on some frames. */
export type Clip = {
  readonly name: string;
  readonly videoFile: string;
  /** Frame index to file, ascending. */
  readonly maskFiles: ReadonlyMap<number, string>;
};

/** True masks of one frame: an object without a mask is not in the picture. */
export type TrueMasks = { readonly size: Size; readonly objects: ReadonlyMap<number, Mask> };

/**
 * Folders of `folder` with clip.mp4 and masks/NNNNN.png, by name; or `folder` itself.
 *
 * @param only names to keep; null keeps all
 * @throws SegmentationError `usage` where there is none, or none of a name that was asked for
 */
export async function findClips(folder: string, only: readonly string[] | null): Promise<Clip[]> {
  if (!existsSync(folder)) {
    throw new SegmentationError('unreadable-file', `${folder}: expected a folder, got none`);
  }
  const names = existsSync(join(folder, 'clip.mp4'))
    ? ['']
    : (await readdir(folder))
        .toSorted()
        .filter((name) => existsSync(join(folder, name, 'clip.mp4')));
  if (names.length === 0) {
    throw usageError(`${folder}: expected folders with clip.mp4 and masks/NNNNN.png, got none`);
  }
  const clips = await Promise.all(names.map((name) => readClip(join(folder, name))));
  const missing = only?.find((name) => !clips.some((clip) => clip.name === name));
  if (missing !== undefined) throw usageError(`--clips: ${folder} has no clip "${missing}"`);
  return clips.filter(({ name }) => only === null || only.includes(name));
}

/**
 * Reads the true masks of one frame at the size of the picture (default: the file's). Some annotations are a pixel off (an
 * odd side that the codec made even): they are stretched, nearest neighbour. Throws
 * `unreadable-file`.
 */
export async function readTrueMasks(file: string, display?: Size): Promise<TrueMasks> {
  const { size, ids } = stretch(readIndexedPng(await readFile(file), file), display);
  const objects = new Map<number, Mask>();
  for (const id of new Set(ids)) {
    if (id > 0)
      objects.set(
        id,
        maskFromBitmap(
          ids.map((value) => (value === id ? 1 : 0)),
          size,
        ),
      );
  }
  return { size, objects };
}

/** Reads all true masks of a clip by frame index, ascending; see {@link readTrueMasks}. */
export async function readTruths(clip: Clip, display?: Size): Promise<Map<number, TrueMasks>> {
  const truths = new Map<number, TrueMasks>();
  for (const [frameIndex, file] of clip.maskFiles) {
    truths.set(frameIndex, await readTrueMasks(file, display));
  }
  return truths;
}

function stretch({ size, ids }: IdPicture, to: Size = size): IdPicture {
  if (size.width === to.width && size.height === to.height) return { size, ids };
  const stretched = new Uint8Array(to.width * to.height);
  for (let y = 0; y < to.height; y++) {
    const row = Math.floor(((y + 0.5) * size.height) / to.height) * size.width;
    for (let x = 0; x < to.width; x++) {
      stretched[y * to.width + x] = ids[row + Math.floor(((x + 0.5) * size.width) / to.width)] ?? 0;
    }
  }
  return { size: to, ids: stretched };
}

async function readClip(folder: string): Promise<Clip> {
  const masks = join(folder, 'masks');
  const files = existsSync(masks) ? await readdir(masks) : [];
  const maskFiles = files
    .flatMap((file) => {
      const index = /^(\d+)\.png$/.exec(file)?.[1];
      return index === undefined ? [] : [[Number(index), join(masks, file)] as const];
    })
    .toSorted(([a], [b]) => a - b);
  if (maskFiles.length === 0) throw usageError(`${masks}: expected NNNNN.png, got none`);
  const videoFile = join(folder, 'clip.mp4');
  return { name: basename(folder), videoFile, maskFiles: new Map(maskFiles) };
}
