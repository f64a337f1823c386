import { writeFile } from 'node:fs/promises';
import { encode } from 'fast-png';
import type { AnsweredFrame, Output } from '../../formats/answered-frame.ts';
import { idPicture } from '../../formats/id-picture.ts';

const white = 255;

/** Writes the mask of one image; see {@link maskPng}. */
export function createMaskOutput(path: string): Output {
  return {
    open: nothing,
    write: async (frame) => await writeFile(path, maskPng(frame)),
    close: nothing,
    discard: nothing,
  };
}

/** White where any object is, black elsewhere: an 8-bit grey PNG. */
export function maskPng(frame: AnsweredFrame): Uint8Array {
  const { size, ids } = idPicture(frame);
  const data = ids.map((id) => (id === 0 ? 0 : white));
  return encode({ ...size, data, channels: 1, depth: 8 });
}

/** The file is written whole or not at all. */
async function nothing(): Promise<void> {}
