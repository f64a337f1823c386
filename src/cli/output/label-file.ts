import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Output } from '../../formats/answered-frame.ts';
import { createCocoJson } from '../../formats/coco-json.ts';
import { createYtvisJson } from '../../formats/ytvis-json.ts';
import { makeFolder } from './make-folder.ts';

/** One JSON file of all inputs. It is written when the last one is done. */
export type LabelFile = {
  /** The next input; `pictureName` names the picture of a frame. */
  output(pictureName: (frameIndex: number) => string): Output;
  close(): Promise<void>;
};

/** A COCO or YouTube-VIS file at `path`. */
export function createLabelFile(path: string, format: 'coco' | 'ytvis'): LabelFile {
  const content = format === 'coco' ? createCocoJson() : createYtvisJson();
  makeFolder(dirname(path));
  return {
    output: (pictureName) => ({
      open: async () => content.nextInput(),
      write: async (frame) => content.add(frame, pictureName(frame.frameIndex)),
      close: nothing,
      discard: nothing,
    }),
    async close() {
      try {
        await writeFile(`${path}.partial`, content.text());
        await rename(`${path}.partial`, path);
      } catch (reason) {
        // On a full disk what was written would be in the way of a second try.
        await rm(`${path}.partial`, { force: true });
        throw reason;
      }
    },
  };
}

/** The file is written at the end of all inputs. */
async function nothing(): Promise<void> {}
