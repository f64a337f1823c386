import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { AnsweredFrame, Output, StreamHeader } from '../../../formats/answered-frame.ts';
import { type CompressedMask, compressedMask } from '../../../formats/compressed-mask.ts';
import { decodeCocoRle } from '../../../frame/coco-rle.ts';

/*
 * The answers to one input as lines of JSON, masks as run lengths: the header, then a frame a line. What
 * all inputs go into together is written from these, in their order, however they were worked on.
 */

type KeptFrame = Omit<AnsweredFrame, 'objects'> & {
  readonly objects: readonly (Omit<AnsweredFrame['objects'][number], 'mask'> & {
    readonly mask: CompressedMask;
  })[];
};

/** Keeps what comes in `file`, which is there only when it is complete. */
export function keepFrames(file: string): Output {
  const partial = `${file}.partial`;
  let handle: FileHandle | undefined;
  const line = async (content: StreamHeader | KeptFrame) =>
    await handle?.appendFile(`${JSON.stringify(content)}\n`);
  return {
    async open(header) {
      handle = await open(partial, 'w');
      await line(header);
    },
    async write(frame) {
      const objects = frame.objects.map((object) => ({
        ...object,
        mask: compressedMask(object.mask),
      }));
      await line({ ...frame, objects });
    },
    async close() {
      await handle?.close();
      await rename(partial, file);
    },
    async discard() {
      await handle?.close();
      await rm(partial, { force: true });
    },
  };
}

/** Gives what was kept in `file` to `output`, and closes it. */
export async function replayFrames(file: string, output: Output): Promise<void> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let isOpen = false;
  for await (const line of lines) {
    if (isOpen) await output.write(frameOf(JSON.parse(line) as KeptFrame));
    else await output.open(JSON.parse(line) as StreamHeader);
    isOpen = true;
  }
  await output.close();
}

function frameOf(kept: KeptFrame): AnsweredFrame {
  return {
    ...kept,
    objects: kept.objects.map((object) => {
      const [height, width] = object.mask.size;
      const counts = new TextEncoder().encode(object.mask.counts);
      return { ...object, mask: decodeCocoRle(counts, { width, height }) };
    }),
  };
}
