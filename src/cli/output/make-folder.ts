import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SegmentationError } from '../../frame/errors.ts';

/**
 * Makes a folder and those above it, where they are missing. Not `mkdir` with `recursive`: Node 20 tries
 * for ever where a file system refuses folders as missing, such as /proc.
 *
 * Throws `unreadable-file` saying why not.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) {
    missing.push(folder);
  }
  try {
    for (const folder of missing.toReversed()) mkdirSync(folder);
  } catch (cause) {
    const message = `${path}: expected a folder that can be written`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
}
