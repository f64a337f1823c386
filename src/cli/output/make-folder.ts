import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SegmentationError } from '../../frame/errors.ts';

/**
 * Makes a folder and those above it, where they are missing. Not `mkdir` with `recursive`: Node 20 tries
 * for ever where a file system refuses folders as missing, such as /proc.
 *
 * Returns what takes those away again that are still empty. Throws `unreadable-file` saying why not.
 */
export function makeFolder(path: string): () => void {
  const missing: string[] = [];
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) {
    missing.push(folder);
  }
  try {
    for (const folder of missing.toReversed()) mkdirSync(folder);
    if (missing.length === 0) checkFolder(path);
  } catch (cause) {
    const message = `${path}: expected a folder that can be written`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
  return () => {
    try {
      for (const folder of missing) rmdirSync(folder);
    } catch {
      // Something is in it by now.
    }
  };
}

/** Before anything runs: what cannot be written into would be found at the first frame. */
function checkFolder(path: string): void {
  if (!statSync(path).isDirectory()) throw new Error('got a file of that name');
  accessSync(path, constants.W_OK);
}
