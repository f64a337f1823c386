import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../../frame/errors.ts';

const imageName = /\.(?:jpe?g|png|webp)$/i;

/** The pictures of a folder in the order of their names, and the other files beside them. */
export type PictureFolder = {
  readonly files: readonly string[];
  readonly leftOut: readonly string[];
};

/**
 * Finds the pictures of a folder by their names, so that notes beside them do not stop a batch. Hidden
 * files are none: macOS leaves a `._NAME.jpg` beside each picture on other systems' disks.
 *
 * Throws `usage` where there is no picture.
 */
export async function findPictures(folder: string): Promise<PictureFolder> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const files = names
    .filter(isPicture)
    // Frame 10 comes after frame 9, zero-padded or not.
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => join(folder, name));
  if (files.length === 0) {
    throw usageError(`${folder}: expected a folder with JPEG, PNG or WebP images, got none in it`);
  }
  return { files, leftOut: names.filter((name) => !isPicture(name)).toSorted() };
}

function isPicture(name: string): boolean {
  return imageName.test(name) && !name.startsWith('.');
}

/** Names that a line has room for. */
const mostNames = 5;

/** One line on what was left out of a folder; null where nothing was. */
export function leftOutLine(folder: string, names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  const files = names.length === 1 ? '1 file that is' : `${names.length} files that are`;
  return `${folder}: left out ${files} no JPEG, PNG or WebP image: ${names.slice(0, mostNames).join(', ')}${more}`;
}
