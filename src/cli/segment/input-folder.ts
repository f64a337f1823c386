import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type SegmentationError, usageError } from '../../frame/errors.ts';

const imageName = /\.(?:jpe?g|png|webp)$/i;
const videoName =
  /\.(?:mp4|m4v|mov|mkv|webm|avi|flv|ivf|ts|m2ts|mts|h264|264|h265|265|hevc|mjpe?g)$/i;

/** The files of a folder that are taken, in the order of their names, and the others beside them. */
export type InputFolder = {
  readonly files: readonly string[];
  readonly leftOut: readonly string[];
};

/**
 * Finds the pictures of a folder by their names, and its videos where `withVideos`, so that notes beside
 * them do not stop a batch. Hidden files are none: macOS leaves a `._NAME.jpg` beside each picture on
 * other systems' disks.
 *
 * Throws `usage` where there is none.
 */
export async function readInputFolder(
  folder: string,
  { withVideos }: { readonly withVideos: boolean },
): Promise<InputFolder> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const isTaken = (name: string) =>
    !name.startsWith('.') && (imageName.test(name) || (withVideos && videoName.test(name)));
  const files = names
    .filter(isTaken)
    .toSorted(byName)
    .map((name) => join(folder, name));
  if (files.length === 0) throw noneIn(folder, withVideos);
  return { files, leftOut: names.filter((name) => !isTaken(name)).toSorted() };
}

/** Frame 10 comes after frame 9, zero-padded or not. */
export function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The error for a folder without anything that is taken. */
export function noneIn(folder: string, withVideos: boolean): SegmentationError {
  const what = withVideos ? 'JPEG, PNG or WebP images, or videos' : 'JPEG, PNG or WebP images';
  return usageError(`${folder}: expected a folder with ${what}, got none in it`);
}

/** Names that a line has room for. */
const mostNames = 5;

/** One line on what was left out of a folder; null where nothing was. */
export function leftOutLine(
  folder: string,
  names: readonly string[],
  { withVideos }: { readonly withVideos: boolean },
): string | null {
  if (names.length === 0) return null;
  const what = withVideos ? 'JPEG, PNG or WebP image and no video' : 'JPEG, PNG or WebP image';
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  const files = names.length === 1 ? '1 file that is' : `${names.length} files that are`;
  return `${folder}: left out ${files} no ${what}: ${names.slice(0, mostNames).join(', ')}${more}`;
}
