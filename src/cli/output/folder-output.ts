import type { FileHandle } from 'node:fs/promises';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';
import { openAtFirstFrame } from './open-at-first-frame.ts';
import { writeIndexedPng } from '../../formats/indexed-png.ts';
import type { Output, StreamHeader } from '../../formats/answered-frame.ts';
import { framesJsonEntry, framesJsonHead, framesJsonTail } from '../../formats/frames-json.ts';
import { idPicture, maskFileName } from '../../formats/id-picture.ts';

/**
 * Writes `masks/NNNNN.png` and `frames.json` into a folder; earlier ones there are replaced when the
 * first frame comes.
 */
export function createFolderOutput(folder: string): Output {
  return openAtFirstFrame(createFolderWriter(folder));
}

function createFolderWriter(folder: string): Output {
  let header: StreamHeader | undefined;
  let json: FileHandle | undefined;
  let frames = 0;
  const close = async () => {
    await json?.appendFile(framesJsonTail);
    await json?.close();
    json = undefined;
  };
  return {
    async open(streamHeader) {
      header = streamHeader;
      await rm(join(folder, 'masks'), { recursive: true, force: true });
      makeFolder(join(folder, 'masks'));
      json = await open(join(folder, 'frames.json'), 'w');
      await json.appendFile(framesJsonHead(header));
    },
    async write(frame) {
      if (header === undefined) throw new Error('frame written before open');
      const png = writeIndexedPng(idPicture(frame));
      await writeFile(join(folder, 'masks', maskFileName(frame.frameIndex)), png);
      await json?.appendFile(`${frames++ === 0 ? '' : ','}\n${framesJsonEntry(frame, header)}`);
    },
    close,
    // What came is worth keeping: the file is closed so that it stays valid JSON.
    discard: close,
  };
}
