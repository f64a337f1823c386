import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AnsweredFrame, Output } from '../../formats/answered-frame.ts';
import { makeFolder } from './make-folder.ts';
import { openAtFirstFrame } from './open-at-first-frame.ts';

/**
 * One file for each frame, at `nameOf(frame)` below `folder`.
 *
 * @param options.replaces folder whose earlier content goes when the first frame comes
 */
export function createPictureFiles(folder: string, options: PictureFileOptions): Output {
  return openAtFirstFrame(createPictureWriter(folder, options));
}

type PictureFileOptions = {
  readonly nameOf: (frameIndex: number) => string;
  readonly content: (frame: AnsweredFrame) => Uint8Array | string;
  readonly replaces?: string;
};

function createPictureWriter(folder: string, options: PictureFileOptions): Output {
  return {
    async open() {
      if (options.replaces !== undefined) {
        await rm(options.replaces, { recursive: true, force: true });
      }
      makeFolder(folder);
    },
    async write(frame) {
      const path = join(folder, options.nameOf(frame.frameIndex));
      makeFolder(dirname(path));
      await writeFile(path, options.content(frame));
    },
    close: nothing,
    discard: nothing,
  };
}

/** Each file is written whole. */
async function nothing(): Promise<void> {}
