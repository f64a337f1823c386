import { writeFile } from 'node:fs/promises';
import { encode } from 'fast-png';
import type { Output } from '../../formats/answered-frame.ts';
import { idPicture } from '../../formats/id-picture.ts';

const white = 255;

/** Writes the mask of one image: white where any object is, black elsewhere, 8-bit grey PNG. */
export function createMaskOutput(path: string): Output {
  return {
    open: nothing,
    async write(frame) {
      const { size, ids } = idPicture(frame);
      const data = ids.map((id) => (id === 0 ? 0 : white));
      await writeFile(path, encode({ ...size, data, channels: 1, depth: 8 }));
    },
    close: nothing,
    discard: nothing,
  };
}

/** The file is written whole or not at all. */
async function nothing(): Promise<void> {}
