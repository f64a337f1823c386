import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { SegmentationError } from '../../frame/errors.ts';
import { writeIndexedPng } from '../indexed-png.ts';
import type { Output, StreamHeader } from './answered-frame.ts';
import { framesJsonEntry, framesJsonHead, framesJsonTail } from './frames-json.ts';
import { idPicture, maskFileName } from './id-picture.ts';

/** Limits of ZIP without its 64-bit extension, which the library does not write. */
const maxEntries = 65_535;
const maxBytes = 0xffffffff;

/**
 * Streams `masks/NNNNN.png` and `frames.json` into a ZIP. Entries of a ZIP follow one another, so
 * the JSON waits in a file beside it. The ZIP gets its name when it is complete.
 */
export function createZipOutput(file: string): Output {
  const archive = createArchive(`${file}.partial`);
  const jsonFile = `${file}.frames.partial`;
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
      const png = writeIndexedPng(idPicture(frame, header));
      if (frames + 2 > maxEntries || archive.bytes() + png.length > maxBytes) {
        const limit = `${maxEntries} files and 4 GiB in a .zip`;
        throw new SegmentationError(
          'usage',
          `${file}: expected at most ${limit}, got more frames: write to a folder`,
        );
      }
      await archive.addStored(`masks/${maskFileName(frame.frameIndex)}`, png);
      await json?.appendFile(`${frames++ === 0 ? '' : ','}\n${framesJsonEntry(frame)}`);
    },
    async close() {
      await json?.appendFile(framesJsonTail);
      await archive.addDeflated('frames.json', createReadStream(jsonFile));
      await archive.close();
      await removeJson();
      await rename(`${file}.partial`, file);
    },
    async discard() {
      await archive.discard();
      await removeJson();
    },
  };
}

/** A ZIP on disk that holds the writer back while the disk is slower. */
function createArchive(file: string) {
  const stream = createWriteStream(file);
  let failure: Error | null = null;
  let bytes = 0;
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
  return {
    bytes: () => bytes,
    async addStored(name: string, data: Uint8Array) {
      const entry = new ZipPassThrough(name);
      zip.add(entry);
      entry.push(data, true);
      await settle();
    },
    async addDeflated(name: string, source: AsyncIterable<Uint8Array>) {
      const entry = new ZipDeflate(name, { level: 6 });
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
