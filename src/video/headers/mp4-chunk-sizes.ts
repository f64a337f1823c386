import { findMp4Box } from './mp4-boxes.ts';
import type { Mp4Box } from './mp4-boxes.ts';

/**
 * Bytes of each chunk of a track, from its sample sizes and the table that says how many samples a
 * chunk holds (ISO/IEC 14496-12, 8.7.3 and 8.7.4); null where a table is missing or too short.
 */
export function readChunkSizes(
  moov: Uint8Array,
  track: Mp4Box,
  chunkCount: number,
): number[] | null {
  const samples = findMp4Box(moov, track, ['mdia', 'minf', 'stbl']);
  if (samples === null) return null;
  const perChunk = findMp4Box(moov, samples, ['stsc']);
  const sizeOf = sampleSizes(moov, samples);
  if (perChunk === null || sizeOf === null) return null;
  const view = new DataView(moov.buffer, moov.byteOffset, moov.byteLength);
  const room = Math.floor((perChunk.end - perChunk.body - 8) / 12);
  const runs = room < 1 ? 0 : Math.min(view.getUint32(perChunk.body + 4), room);
  const sizes: number[] = [];
  let sample = 0;
  for (let run = 0; run < runs; run++) {
    const at = perChunk.body + 8 + run * 12;
    const next = run + 1 < runs ? view.getUint32(at + 12) - 1 : chunkCount;
    const samplesEach = view.getUint32(at + 4);
    for (; sizes.length < Math.min(next, chunkCount);) {
      let bytes = 0;
      for (let i = 0; i < samplesEach; i++) {
        const size = sizeOf(sample++);
        if (size === null) return null;
        bytes += size;
      }
      sizes.push(bytes);
    }
  }
  return sizes.length === chunkCount ? sizes : null;
}

/** Size of each sample by its number; null past the last. */
function sampleSizes(
  moov: Uint8Array,
  samples: Mp4Box,
): ((sample: number) => number | null) | null {
  const view = new DataView(moov.buffer, moov.byteOffset, moov.byteLength);
  const plain = findMp4Box(moov, samples, ['stsz']);
  if (plain !== null && plain.body + 12 <= plain.end) {
    const one = view.getUint32(plain.body + 4);
    const count = view.getUint32(plain.body + 8);
    const at = (sample: number): number => plain.body + 12 + sample * 4;
    return (sample) => {
      if (sample >= count) return null;
      if (one > 0) return one;
      return at(sample) + 4 <= plain.end ? view.getUint32(at(sample)) : null;
    };
  }
  const compact = findMp4Box(moov, samples, ['stz2']);
  if (compact === null || compact.body + 12 > compact.end) return null;
  const bits = moov[compact.body + 7] ?? 0;
  const count = view.getUint32(compact.body + 8);
  return (sample) => {
    const at = compact.body + 12 + Math.floor((sample * bits) / 8);
    if (sample >= count || at + bits / 8 > compact.end) return null;
    if (bits === 16) return view.getUint16(at);
    const byte = moov[at] ?? 0;
    if (bits === 8) return byte;
    return sample % 2 === 0 ? byte >> 4 : byte & 15;
  };
}
