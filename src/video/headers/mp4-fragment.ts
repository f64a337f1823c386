import { findMp4Box, mp4Boxes } from './mp4-boxes.ts';

/** Where one track of a fragment begins. */
export type FragmentTime = {
  readonly trackId: number;
  /** In ticks of the track. */
  readonly time: number;
};

/** The times at which the tracks of a `moof` box begin (ISO/IEC 14496-12, 8.8.12), as far as it says. */
export function fragmentTimes(moof: Uint8Array): FragmentTime[] {
  const view = new DataView(moof.buffer, moof.byteOffset, moof.byteLength);
  const times: FragmentTime[] = [];
  for (const track of mp4Boxes(moof, { body: 8, end: moof.length })) {
    if (track.type !== 'traf') continue;
    const header = findMp4Box(moof, track, ['tfhd']);
    const start = findMp4Box(moof, track, ['tfdt']);
    if (header === null || start === null || header.body + 8 > header.end) continue;
    const isLong = moof[start.body] === 1;
    if (start.body + (isLong ? 12 : 8) > start.end) continue;
    const time = isLong
      ? Number(view.getBigUint64(start.body + 4))
      : view.getUint32(start.body + 4);
    times.push({ trackId: view.getUint32(header.body + 4), time });
  }
  return times;
}
