import { h264FrameRate } from './h264-timing.ts';
import { hevcFrameRate } from './hevc-timing.ts';
import type { StreamFormat } from '../stream-format.ts';

/** Frames a second; `absent` where the headers are there and say nothing; `unknown` so far. */
export type HeaderFrameRate = number | 'absent' | 'unknown';

/** Frame rate that a raw stream states in its first header, told from its first bytes. */
export function headerFrameRate(format: StreamFormat, head: Uint8Array): HeaderFrameRate {
  switch (format) {
    case 'h264-annex-b':
      return fromParameterSet(head, (type) => (type & 0x1f) === 7, h264FrameRate);
    case 'hevc-annex-b':
      return fromParameterSet(head, (type) => ((type >> 1) & 0x3f) === 33, hevcFrameRate);
    case 'mpeg-video':
      return mpegFrameRate(head);
    case 'mjpeg':
      // Only what looks like a JPEG is missing its frame rate; the rest is not video at all.
      return head.length < 2
        ? 'unknown'
        : head[0] === 0xff && head[1] === 0xd8
          ? 'absent'
          : 'unknown';
    case 'mpeg-ts':
    case 'mp4':
    case 'matroska':
    case 'webm':
    case 'ivf':
    case 'avi':
    case 'flv':
    case 'jpeg':
    case 'png':
    case 'webp':
      return 'absent';
  }
}

function fromParameterSet(
  head: Uint8Array,
  isSequence: (firstByte: number) => boolean,
  read: (unit: Uint8Array) => number | null,
): HeaderFrameRate {
  for (let start = nextStartCode(head, 0); start >= 0; start = nextStartCode(head, start)) {
    const end = nextStartCode(head, start);
    if (end < 0) return 'unknown';
    const type = head[start];
    if (type !== undefined && isSequence(type)) {
      const rate = read(withoutEmulationPrevention(head.subarray(start, end - 3)));
      return rate !== null && rate > 0 && rate <= 1000 ? rate : 'absent';
    }
  }
  return 'unknown';
}

/** Index after the next 00 00 01 at or after `from`; -1 where there is none. */
function nextStartCode(bytes: Uint8Array, from: number): number {
  for (let i = from; i + 2 < bytes.length; i++) {
    if (bytes[i] === 0 && bytes[i + 1] === 0 && bytes[i + 2] === 1) return i + 3;
  }
  return -1;
}

/** Drops the 03 of each 00 00 03 (H.264 and HEVC, 7.4.1). */
function withoutEmulationPrevention(unit: Uint8Array): Uint8Array {
  const out = new Uint8Array(unit.length);
  let length = 0;
  let zeros = 0;
  for (const byte of unit) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

const mpegRates = [24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 60];

/** MPEG-1 and MPEG-2: frame_rate_code of the sequence header (ISO/IEC 13818-2, 6.2.2.1). */
function mpegFrameRate(head: Uint8Array): HeaderFrameRate {
  for (let at = nextStartCode(head, 0); at >= 0; at = nextStartCode(head, at)) {
    if (head[at] !== 0xb3) continue;
    const byte = head[at + 4];
    if (byte === undefined) return 'unknown';
    return mpegRates[(byte & 0x0f) - 1] ?? 'absent';
  }
  return 'unknown';
}
