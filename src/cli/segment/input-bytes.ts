import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { SegmentationError } from '../../frame/errors.ts';
import { detectContainer, detectionBytes, type Detected } from '../../video/detect-container.ts';
import { adviceOn, foreignFormat } from '../../video/foreign-formats.ts';

/** Where an input comes from. A pipe can be read once. */
export type Origin =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'pipe'; readonly path: string; readonly chunks: AsyncIterable<Uint8Array> };

/** Bytes that a pipe must have brought before what it is counts as told, unless it ends. */
const minPipeBytes = 1024;

/** The longest JPEG that is followed to its end, to see whether another one comes behind it. */
const maxJpegBytes = 64 * 1024 * 1024;

/** Names of standard input. A socket cannot be opened by its path, so it is not opened again. */
const standardInput = new Set(['-', '/dev/stdin']);

/** Looks at what a path names. Throws `unreadable-file`. */
export async function findOrigin(path: string, stdin: Readable): Promise<Origin> {
  if (path === '-') return { kind: 'pipe', path, chunks: stdin };
  try {
    const found = await stat(path);
    if (found.isDirectory()) return { kind: 'folder', path };
    if (found.isFile()) return { kind: 'file', path };
    const chunks = standardInput.has(path) ? stdin : createReadStream(path);
    return { kind: 'pipe', path, chunks };
  } catch (cause) {
    const message = `${path}: expected a file or a folder, got none of that name`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
}

/** What a file is; null where it is nothing that is taken. Throws `unreadable-file`. */
export async function detectFile(
  path: string,
): Promise<{ readonly found: Exclude<Detected, 'more'>; readonly head: Uint8Array }> {
  try {
    await using file = await open(path);
    for (let bytes = detectionBytes; ; bytes *= 8) {
      const head = Buffer.alloc(bytes);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes; length += read) {
        read = (await file.read(head, length, bytes - length, length)).bytesRead;
      }
      const found = detectContainer(head.subarray(0, length));
      const isAll = length < bytes || bytes >= maxJpegBytes;
      if (found !== 'more') return { found, head: head.subarray(0, length) };
      if (isAll) return { found: 'image', head: head.subarray(0, length) };
    }
  } catch (cause) {
    throw new SegmentationError('unreadable-file', `${path}: expected a file that can be read`, {
      cause,
    });
  }
}

/** What comes out of a pipe, and all of its bytes, the first ones included. */
export async function detectPipe(chunks: AsyncIterable<Uint8Array>): Promise<{
  readonly found: Exclude<Detected, 'more'>;
  readonly head: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let found: Detected = null;
  let lookedAt = 0;
  for (let ended = false; !ended;) {
    const next = await iterator.next();
    ended = next.done === true;
    if (!next.done) head = Buffer.concat([head, next.value]);
    // A long JPEG is not walked again for every piece of it.
    if (!ended && (head.length < minPipeBytes || head.length < lookedAt * 1.5)) continue;
    lookedAt = head.length;
    found = detectContainer(head);
    if (found === 'more' && (ended || head.length >= maxJpegBytes)) found = 'image';
    if (found === null && head.length < detectionBytes) continue;
    if (found !== 'more') break;
  }
  return { found: found === 'more' ? 'image' : found, head, chunks: after(head, iterator) };
}

async function* after(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The error for bytes that are nothing that is taken: names what they are, where that is known. */
export function notTaken(path: string, head: Uint8Array): SegmentationError {
  const foreign = foreignFormat(head);
  const bytes = Buffer.from(head).toString('hex', 0, 12);
  const got = head.length === 0 ? 'nothing' : `bytes "${bytes}"`;
  const reason =
    foreign === null
      ? `expected a video or a JPEG, PNG or WebP image, got ${got}`
      : adviceOn(foreign);
  return new SegmentationError('unreadable-file', `${path}: ${reason}`);
}
