import { h264FrameRate } from './h264-timing.ts';
import { hevcFrameRate, hevcVideoFrameRate } from './hevc-timing.ts';
import type { StreamFormat } from '../stream-format.ts';

/** Frames a second; `absent` where the headers are there and say nothing; `unknown` so far. */
export type HeaderFrameRate = number | 'absent' | 'unknown';

/** Frame rate that a raw stream states in its first header, told from its first bytes. */
export function headerFrameRate(format: StreamFormat, head: Uint8Array): HeaderFrameRate {
  switch (format) {
    case 'h264-annex-b':
      return fromParameterSets(head, h264Sets);
    case 'hevc-annex-b':
      return fromParameterSets(head, hevcSets);
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

/** Kinds of parameter sets, by the first byte of their unit. */
type ParameterSets = {
  /** What every stream has: once it is read, what it does not say stays unsaid. */
  readonly isSequence: (firstByte: number) => boolean;
  readonly readSequence: (unit: Uint8Array) => number | null;
  /** What comes before it and may state a rate in its place. */
  readonly isVideo?: (firstByte: number) => boolean;
  readonly readVideo?: (unit: Uint8Array) => number | null;
};

const h264Sets: ParameterSets = {
  isSequence: (type) => (type & 0x1f) === 7,
  readSequence: h264FrameRate,
};

const hevcSets: ParameterSets = {
  isSequence: (type) => ((type >> 1) & 0x3f) === 33,
  readSequence: hevcFrameRate,
  isVideo: (type) => ((type >> 1) & 0x3f) === 32,
  readVideo: hevcVideoFrameRate,
};

function fromParameterSets(head: Uint8Array, sets: ParameterSets): HeaderFrameRate {
  let ofVideo: number | null = null;
  for (let start = nextStartCode(head, 0); start >= 0; start = nextStartCode(head, start)) {
    const end = nextStartCode(head, start);
    if (end < 0) return 'unknown';
    const type = head[start] ?? 0;
    const unit = (): Uint8Array => withoutEmulationPrevention(head.subarray(start, end - 3));
    if (sets.isVideo?.(type) === true) ofVideo = plausible(sets.readVideo?.(unit()) ?? null);
    if (!sets.isSequence(type)) continue;
    return plausible(sets.readSequence(unit())) ?? ofVideo ?? 'absent';
  }
  return 'unknown';
}

/** A rate that frames can have; null for clocks and nonsense. */
function plausible(rate: number | null): number | null {
  return rate !== null && rate > 0 && rate <= 1000 ? rate : null;
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

/**
 * By frame_rate_code from 1 (ISO/IEC 13818-2, 6.2.2.1); codes from 9 on are not in the standard, but
 * Xing (9) and libmpeg3 (10 to 13) wrote them, and players know them.
 */
const mpegRates = [24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 60, 15, 5, 10, 12, 15];

/** MPEG-1 and MPEG-2: the sequence header, times the fraction of MPEG-2's sequence extension. */
function mpegFrameRate(head: Uint8Array): HeaderFrameRate {
  for (let at = nextStartCode(head, 0); at >= 0; at = nextStartCode(head, at)) {
    if (head[at] !== 0xb3) continue;
    const next = nextStartCode(head, at);
    const byte = head[at + 4];
    if (byte === undefined || next < 0 || head[next] === undefined) return 'unknown';
    const rate = mpegRates[(byte & 0x0f) - 1];
    if (rate === undefined) return 'absent';
    if (head[next] !== 0xb5 || (head[next + 1] ?? 0) >> 4 !== 1) return rate;
    const last = head[next + 6];
    if (last === undefined) return 'unknown';
    return (rate * (((last >> 5) & 3) + 1)) / ((last & 31) + 1);
  }
  return 'unknown';
}
