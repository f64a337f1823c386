import type { FileHandle } from 'node:fs/promises';
import { mp4BoxAt } from '../headers/mp4-boxes.ts';
import type { Mp4Box } from '../headers/mp4-boxes.ts';

/** Longest index that is taken into memory. */
const maxIndexBytes = 256 * 1024 * 1024;

/** More boxes side by side than a file that is not in fragments has. */
const maxBoxes = 4096;

/**
 * The boxes of an MP4 on disk, found by their headers alone; what follows a broken one is left out. The
 * last may promise more than the file holds.
 */
export async function readBoxesOfFile(file: FileHandle): Promise<Mp4Box[]> {
  const { size } = await file.stat();
  const boxes: Mp4Box[] = [];
  for (let at = 0; at < size && boxes.length < maxBoxes;) {
    const header = await readAt(file, at, Math.min(16, size - at));
    const box = mp4BoxAt(header, 0);
    if (box === null || box.end < box.body) break;
    const end = box.end === Infinity ? size : at + box.end;
    boxes.push({ type: box.type, start: at, body: at + box.body, end });
    at = end;
  }
  return boxes;
}

/** The `moov` box of a file, header included; null where there is none, or a senseless one. */
export async function readIndexOfFile(file: FileHandle): Promise<Uint8Array | null> {
  const box = (await readBoxesOfFile(file)).find(({ type }) => type === 'moov');
  const { size } = await file.stat();
  if (box === undefined || box.end > size || box.end - box.start > maxIndexBytes) return null;
  return readAt(file, box.start, box.end - box.start);
}

/** Bytes at a place in a file, fewer at its end. The descriptor's own offset stays as it is. */
export async function readAt(file: FileHandle, at: number, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
