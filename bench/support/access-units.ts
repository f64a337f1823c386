import type { Container } from '../../src/frame/container.ts';

/** Cuts a stream where a live sender would: each part ends with the last byte of one coded frame. */
export function splitAccessUnits(bytes: Uint8Array, container: Container): Uint8Array[] {
  switch (container) {
    case 'mp4':
      return cutAt(bytes, positionsOf(bytes, [0x6d, 0x6f, 0x6f, 0x66], -4));
    case 'matroska':
    case 'webm':
      return cutAt(bytes, positionsOf(bytes, [0x1f, 0x43, 0xb6, 0x75], 0));
    case 'mjpeg':
      return cutAt(bytes, positionsOf(bytes, [0xff, 0xd8, 0xff], 0));
    case 'ivf':
      return cutAt(bytes, ivfFrames(bytes));
    case 'flv':
      return cutAt(bytes, flvFrames(bytes));
    case 'mpeg-ts':
      return cutAt(bytes, transportFrames(bytes));
    case 'h264-annex-b':
      return cutAt(
        bytes,
        rawFrames(
          bytes,
          (type) => type & 0x1f,
          (type) => type >= 1 && type <= 5,
        ),
      );
    case 'hevc-annex-b':
      return cutAt(
        bytes,
        rawFrames(
          bytes,
          (type) => (type >> 1) & 0x3f,
          (type) => type < 32,
        ),
      );
    case 'avi':
    case 'mpeg-video':
      throw new Error(`${container} is not cut into frames`);
  }
}

/** The first part also holds what precedes the first start. */
function cutAt(bytes: Uint8Array, starts: readonly number[]): Uint8Array[] {
  const inner = starts.slice(1);
  return [0, ...inner].map((start, i) => bytes.subarray(start, inner[i] ?? bytes.length));
}

function positionsOf(bytes: Uint8Array, pattern: readonly number[], shift: number): number[] {
  const found: number[] = [];
  const needle = Buffer.from(pattern);
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) {
    found.push(at + shift);
  }
  return found;
}

function ivfFrames(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const starts: number[] = [];
  for (let at = 32; at + 12 <= bytes.length; at += 12 + view.getUint32(at, true)) starts.push(at);
  return starts;
}

/** Video tags that are coded frames, not sequence headers. */
function flvFrames(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const starts: number[] = [];
  for (let at = 13; at + 12 <= bytes.length;) {
    if (bytes[at] === 9 && bytes[at + 12] === 1) starts.push(at);
    at += 15 + (view.getUint32(at) & 0xffffff);
  }
  return starts;
}

/** Packets of the video PID that begin a PES packet. */
function transportFrames(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at + 188 <= bytes.length; at += 188) {
    const flags = bytes[at + 1] ?? 0;
    const pid = ((flags & 0x1f) << 8) | (bytes[at + 2] ?? 0);
    if (pid === 0x100 && (flags & 0x40) !== 0) starts.push(at);
  }
  return starts;
}

/** A frame begins with the first unit after a slice that is not a slice itself, or with a slice. */
function rawFrames(
  bytes: Uint8Array,
  typeOf: (byte: number) => number,
  isSlice: (type: number) => boolean,
): number[] {
  const starts: number[] = [];
  let sliceSeen = true;
  for (const at of positionsOf(bytes, [0, 0, 1], 0)) {
    const slice = isSlice(typeOf(bytes[at + 3] ?? 0));
    if (sliceSeen) starts.push(bytes[at - 1] === 0 ? at - 1 : at);
    sliceSeen = slice;
  }
  return starts;
}
