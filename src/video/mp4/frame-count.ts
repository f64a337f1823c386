import { open } from 'node:fs/promises';
import { findMp4Box } from '../headers/mp4-boxes.ts';
import { readMp4Index } from '../headers/mp4-index.ts';
import { readIndexOfFile } from './file.ts';

/**
 * Frames that the index of an MP4 on disk lists (ISO/IEC 14496-12, 8.7.3); null where it lists none, as
 * in fragments. What an edit list leaves out is counted too.
 */
export async function countMp4Frames(path: string): Promise<number | null> {
  await using file = await open(path);
  const moov = await readIndexOfFile(file);
  const track = moov === null ? null : (readMp4Index(moov).video?.track ?? null);
  if (moov === null || track === null) return null;
  const samples = findMp4Box(moov, track, ['mdia', 'minf', 'stbl']);
  if (samples === null) return null;
  const sizes = findMp4Box(moov, samples, ['stsz']) ?? findMp4Box(moov, samples, ['stz2']);
  if (sizes === null || sizes.body + 12 > sizes.end) return null;
  const count = new DataView(moov.buffer, moov.byteOffset).getUint32(sizes.body + 8);
  return count === 0 ? null : count;
}
