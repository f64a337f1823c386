import type { CodedPicture, Depacketizer } from './depacketizer.ts';
import { jpegHeader, quantizersOf } from './jpeg-header.ts';

/** What the packets of one picture say of it in their headers. */
type JpegParameters = {
  /** 0: 4:2:2, 1: 4:2:0. */
  readonly sampling: 0 | 1;
  readonly width: number;
  readonly height: number;
  /** Two tables of 64 bytes each, in zigzag order. */
  readonly quantizers: Buffer;
  /** Units between restart markers; 0: none. */
  readonly restartInterval: number;
};

const mainHeaderBytes = 8;
const restartHeaderBytes = 4;
const tableHeaderBytes = 4;
const endOfImage = Buffer.from([0xff, 0xd9]);

/** JPEG in RTP (RFC 2435): headers and tables are left out there, and made again here. */
export class JpegDepacketizer implements Depacketizer {
  #parameters: JpegParameters | null = null;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Tables that were sent once, by their Q. */
  readonly #tables = new Map<number, Buffer>();

  add(payload: Buffer): boolean {
    if (payload.length < mainHeaderBytes) return false;
    const offset = payload.readUIntBE(1, 3);
    if (offset !== this.#bytes) return false;
    const hasRestart = payload[4]! >= 64 && payload[4]! < 128;
    let at = mainHeaderBytes + (hasRestart ? restartHeaderBytes : 0);
    if (offset === 0) {
      const tables = this.#readTables(payload, at);
      if (tables === null) return false;
      at += tables.headerBytes;
      this.#parameters = readParameters(payload, tables.quantizers);
      if (this.#parameters === null) return false;
    }
    const part = payload.subarray(at);
    this.#parts.push(part);
    this.#bytes += part.length;
    return true;
  }

  take(): CodedPicture | null {
    const parameters = this.#parameters;
    const parts = this.#parts;
    this.discard();
    const last = parts.at(-1);
    if (parameters === null || last === undefined) return null;
    const isEnded = last.subarray(-2).equals(endOfImage);
    const bytes = Buffer.concat([
      jpegHeader(parameters),
      ...parts,
      ...(isEnded ? [] : [endOfImage]),
    ]);
    return { bytes, randomAccess: true };
  }

  discard(): void {
    [this.#parameters, this.#parts, this.#bytes] = [null, [], 0];
  }

  /** Tables of the first packet, and how many bytes they take in it; null where there are none. */
  #readTables(payload: Buffer, at: number): { quantizers: Buffer; headerBytes: number } | null {
    const q = payload[5]!;
    if (q < 128) {
      return q === 0 || q > 99 ? null : { quantizers: quantizersOf(q), headerBytes: 0 };
    }
    if (payload.length < at + tableHeaderBytes) return null;
    const length = payload.readUInt16BE(at + 2);
    const start = at + tableHeaderBytes;
    // Of 8 bits each; more precision is in no baseline JPEG.
    if (payload[at + 1] !== 0 || payload.length < start + length) return null;
    const headerBytes = tableHeaderBytes + length;
    if (length === 0) {
      const known = this.#tables.get(q);
      return known === undefined ? null : { quantizers: known, headerBytes };
    }
    const sent = Buffer.from(payload.subarray(start, start + length));
    // One table serves both.
    const quantizers = length === 64 ? Buffer.concat([sent, sent]) : sent;
    if (quantizers.length !== 128) return null;
    if (q !== 255) this.#tables.set(q, quantizers);
    return { quantizers, headerBytes };
  }
}

function readParameters(payload: Buffer, quantizers: Buffer): JpegParameters | null {
  const type = payload[4]!;
  const sampling = type & 0x3f;
  const [width, height] = [payload[6]! * 8, payload[7]! * 8];
  // Types above are for interlaced or unknown forms; sides of 0 are above 2040 and not said here.
  if ((sampling !== 0 && sampling !== 1) || type >= 128 || width === 0 || height === 0) return null;
  const restartInterval = type < 64 ? 0 : payload.readUInt16BE(mainHeaderBytes);
  return { sampling, width, height, quantizers, restartInterval };
}
