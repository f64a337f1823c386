import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { usageError } from '../../frame/errors.ts';

/** What `--format` knows. */
export const outputFormats = [
  'dir',
  'zip',
  'mp4',
  'webm',
  'mask',
  'coco',
  'ytvis',
  'davis',
  'labelme',
  'yolo',
] as const;

/** A form in which masks are written. */
export type OutputFormat = (typeof outputFormats)[number];

/** Endings that stand for a form of their own. */
const byEnding: Readonly<Record<string, OutputFormat>> = {
  '.zip': 'zip',
  '.mp4': 'mp4',
  '.webm': 'webm',
  '.png': 'mask',
};

/** Endings that stand for a form that is not written: a folder of such a name is a mistake. */
const otherForms =
  /^\.(?:avi|mov|mkv|m4v|mpe?g|ts|flv|wmv|ogv|gif|jpe?g|webp|bmp|tiff?|heic|json|xml|csv|txt|npy|npz|tar|t?gz|bz2|xz|7z|rar)$/;

/**
 * The form that `--format` names; without it by the ending of `path`, where what is a folder already
 * stays one. Throws `usage` for an unknown name and for the ending of another form.
 */
export function outputFormat(path: string, named: string | undefined): OutputFormat {
  if (named !== undefined) {
    const found = outputFormats.find((format) => format === named);
    if (found !== undefined) return found;
    throw usageError(`--format: expected one of ${outputFormats.join(', ')}, got "${named}"`);
  }
  const ending = isFolder(path) ? '' : extname(path).toLowerCase();
  if (otherForms.test(ending)) {
    const forms = 'a folder, .zip, .mp4, .webm or .png, or --format';
    throw usageError(`--out: expected ${forms}, got "${path}"`);
  }
  return byEnding[ending] ?? 'dir';
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
