import { ElementWalker } from './element-walker.ts';
import type { Element } from './element-walker.ts';
import type { StreamFormat } from '../stream-format.ts';

/** Sees bytes go by and tells whether they end in the middle of something. */
export type EndWatch = {
  push(bytes: Uint8Array): void;
  readonly unfinished: boolean;
  /** Most of what came is scrambled, as far as the container says. */
  readonly encrypted?: boolean;
};

/**
 * Tells a truncated stream from a complete one, which ffmpeg's log does not always do. A raw stream
 * may end anywhere.
 */
export function watchEnd(format: StreamFormat): EndWatch {
  switch (format) {
    case 'mp4':
      return new ElementWalker(readMp4Box);
    case 'matroska':
    case 'webm':
      return new ElementWalker(readEbmlElement);
    case 'ivf':
      return new ElementWalker(ivfReader());
    case 'flv':
      return new ElementWalker(flvReader());
    case 'avi':
      return new ElementWalker(readRiffChunk);
    case 'mpeg-ts':
      return watchTransport();
    case 'h264-annex-b':
    case 'hevc-annex-b':
    case 'mjpeg':
    case 'mpeg-video':
    case 'jpeg':
    case 'png':
    case 'webp':
      return { push: () => undefined, unfinished: false };
  }
}

/** ISO/IEC 14496-12, 4.2. */
export function readMp4Box(header: Uint8Array): Element | null {
  if (header.length < 8) return null;
  const view = new DataView(header.buffer, header.byteOffset);
  const size = view.getUint32(0);
  if (size === 1 && header.length < 16) return null;
  const total = size === 1 ? Number(view.getBigUint64(8)) : size;
  const bodyBytes = size === 0 ? Infinity : Math.max(0, total - header.length);
  return { bodyBytes, type: fourCharacters(header, 4) };
}

/** Segment and Cluster (RFC 9559): their children are walked as if they stood beside them. */
const openedIds: ReadonlySet<string> = new Set(['18538067', '1f43b675']);

/** RFC 8794, sections 5 and 6. */
function readEbmlElement(header: Uint8Array): Element | null {
  const idBytes = vintBytes(header[0]);
  if (idBytes > 4) return null;
  const sizeBytes = vintBytes(header[idBytes]);
  if (sizeBytes > 8 || header.length < idBytes + sizeBytes) return null;
  const type = Buffer.from(header.subarray(0, idBytes)).toString('hex');
  if (openedIds.has(type)) return { bodyBytes: 0, type };
  let size = (header[idBytes] ?? 0) & (0xff >> sizeBytes);
  let unknown = size === 0xff >> sizeBytes;
  for (const byte of header.subarray(idBytes + 1, idBytes + sizeBytes)) {
    size = size * 256 + byte;
    unknown &&= byte === 0xff;
  }
  return { bodyBytes: unknown ? 0 : size, type };
}

function vintBytes(first: number | undefined): number {
  return first === undefined ? Infinity : Math.clz32(first) - 23;
}

/** A 32-byte header, then frames with 12 bytes each. */
function ivfReader(): (header: Uint8Array) => Element | null {
  let begun = false;
  return (header) => {
    if (header.length < (begun ? 12 : 32)) return null;
    if (begun) return { bodyBytes: new DataView(header.buffer).getUint32(0, true), type: 'frame' };
    begun = true;
    return { bodyBytes: 0, type: 'header' };
  };
}

/** A 9-byte header and a back pointer, then tags of 11 bytes, their body, and a back pointer. */
function flvReader(): (header: Uint8Array) => Element | null {
  let begun = false;
  return (header) => {
    if (header.length < (begun ? 11 : 13)) return null;
    const view = new DataView(header.buffer);
    if (begun) return { bodyBytes: (view.getUint32(0) & 0xffffff) + 4, type: 'tag' };
    begun = true;
    return { bodyBytes: 0, type: 'header' };
  };
}

/** Top-level RIFF chunks; a live muxer leaves the size at 0 or at its maximum. */
function readRiffChunk(header: Uint8Array): Element | null {
  if (header.length < 8) return null;
  const size = new DataView(header.buffer).getUint32(4, true);
  const known = size > 0 && size < 0xffff_ffff;
  return { bodyBytes: known ? size + (size & 1) : Infinity, type: fourCharacters(header, 0) };
}

/**
 * 188 bytes each, the first 0x47; after a loss of step nothing is said. The upper two bits of the fourth
 * are transport_scrambling_control (ISO/IEC 13818-1, 2.4.3.2); tables are never scrambled.
 */
function watchTransport(): EndWatch {
  let packets = 0;
  let scrambled = 0;
  const walker = new ElementWalker(
    (header) => {
      if (header[0] !== 0x47 || header.length < 4) return null;
      const type = ((header[3] ?? 0) & 0xc0) === 0 ? 'clear' : 'scrambled';
      return { bodyBytes: 184, type };
    },
    (type) => {
      packets++;
      if (type === 'scrambled') scrambled++;
    },
  );
  return {
    push: (bytes) => walker.push(bytes),
    get unfinished() {
      return walker.unfinished;
    },
    get encrypted() {
      return scrambled > packets / 2;
    },
  };
}

function fourCharacters(bytes: Uint8Array, at: number): string {
  return String.fromCodePoint(...bytes.subarray(at, at + 4));
}
