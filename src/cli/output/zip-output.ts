import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { SegmentationError } from '../../frame/errors.ts';
import { writeIndexedPng } from '../../formats/indexed-png.ts';
import type { Output, StreamHeader } from '../../formats/answered-frame.ts';
import { framesJsonEntry, framesJsonHead, framesJsonTail } from '../../formats/frames-json.ts';
import { idPicture, maskFileName } from '../../formats/id-picture.ts';

/** Limits of ZIP without its 64-bit extension, which the library does not write. */
const maxEntries = 65_535;
const maxBytes = 0xffffffff;

/** One ZIP for any number of inputs, one after the other. It gets its name when it is complete. */
export type ZipArchive = {
  /** Files of one input, below `folder` (empty: at the top). Close or discard it before the next. */
  output(folder: string): Output;
  close(): Promise<void>;
  discard(): Promise<void>;
};

/** Starts a ZIP beside `file`. */
export function createZipArchive(file: string): ZipArchive {
  const archive = createArchive(`${file}.partial`, file);
  return {
    output: (folder) => createOutput(archive, `${file}.frames.partial`, folder),
    close: async () => {
      await archive.close();
      await rename(`${file}.partial`, file);
    },
    discard: () => archive.discard(),
  };
}

/** Entries of a ZIP follow one another, so `frames.json` waits in `jsonFile` until the masks are in. */
function createOutput(
  archive: ReturnType<typeof createArchive>,
  jsonFile: string,
  folder: string,
): Output {
  const prefix = folder === '' ? '' : `${folder}/`;
  let header: StreamHeader | undefined;
  let json: FileHandle | undefined;
  let frames = 0;
  const removeJson = async () => {
    await json?.close();
    json = undefined;
    await rm(jsonFile, { force: true });
  };
  return {
    async open(streamHeader) {
      header = streamHeader;
      json = await open(jsonFile, 'w');
      await json.appendFile(framesJsonHead(header));
    },
    async write(frame) {
      if (header === undefined) throw new Error('frame written before open');
      const png = writeIndexedPng(idPicture(frame));
      await archive.addStored(`${prefix}masks/${maskFileName(frame.frameIndex)}`, png);
      await json?.appendFile(`${frames++ === 0 ? '' : ','}\n${framesJsonEntry(frame, header)}`);
    },
    async close() {
      await json?.appendFile(framesJsonTail);
      await archive.addDeflated(`${prefix}frames.json`, createReadStream(jsonFile));
      await removeJson();
    },
    discard: removeJson,
  };
}

/** A ZIP on disk that holds the writer back while the disk is slower. */
function createArchive(file: string, name: string) {
  const stream = createWriteStream(file);
  let failure: Error | null = null;
  let bytes = 0;
  let entries = 0;
  stream.on('error', (error) => (failure ??= error));
  const zip = new Zip((error, data) => {
    failure ??= error;
    bytes += data.length;
    stream.write(data);
  });
  const settle = async () => {
    if (failure !== null) throw failure;
    if (stream.writableNeedDrain) await once(stream, 'drain');
  };
  const checkRoom = (moreBytes: number) => {
    // One entry stays free for frames.json.
    if (++entries < maxEntries && bytes + moreBytes < maxBytes) return;
    const limit = `${maxEntries} files and 4 GiB in a .zip`;
    throw new SegmentationError(
      'usage',
      `${name}: expected at most ${limit}, got more frames: write to a folder`,
    );
  };
  return {
    async addStored(path: string, data: Uint8Array) {
      checkRoom(data.length);
      // PNG is compressed already.
      const entry = new ZipPassThrough(path);
      zip.add(entry);
      entry.push(data, true);
      await settle();
    },
    async addDeflated(path: string, source: AsyncIterable<Uint8Array>) {
      const entry = new ZipDeflate(path, { level: 6 });
      zip.add(entry);
      for await (const data of source) {
        entry.push(data);
        await settle();
      }
      entry.push(new Uint8Array(0), true);
      await settle();
    },
    async close() {
      zip.end();
      await settle();
      stream.end();
      await finished(stream);
    },
    async discard() {
      stream.destroy();
      await rm(file, { force: true });
    },
  };
}
