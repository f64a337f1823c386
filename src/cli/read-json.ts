import { readFile } from 'node:fs/promises';
import { SegmentationError, usageError } from '../frame/errors.ts';

/**
 * Reads a file of JSON. Throws `unreadable-file` where it cannot be read, `usage` for other content.
 *
 * @param what it should be a file of, for the message
 */
export async function readJson(file: string, what: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const message = `${file}: expected a JSON file of ${what}, got no such file`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${file}: expected JSON, got: ${error instanceof Error ? error.message : ''}`);
  }
}
