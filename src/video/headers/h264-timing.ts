import { BitReader } from './bit-reader.ts';
import { skipVuiHead } from './vui-head.ts';

/** Profiles whose sequence parameter set carries chroma and scaling fields (H.264, 7.3.2.1.1). */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Frames a second from the VUI of an H.264 sequence parameter set; null where it has none. */
export function h264FrameRate(unit: Uint8Array): number | null {
  const reader = new BitReader(unit.subarray(1));
  skipToVui(reader);
  if (reader.bit() === 0 || reader.overrun) return null;
  skipVuiHead(reader);
  if (reader.bit() === 0) return null;
  const unitsInTick = reader.bits(32);
  const timeScale = reader.bits(32);
  if (reader.overrun || unitsInTick === 0) return null;
  // A tick is one field.
  return timeScale / (2 * unitsInTick);
}

function skipToVui(reader: BitReader): void {
  const profile = reader.bits(8);
  reader.skip(16);
  reader.ue();
  if (highProfiles.has(profile)) skipChromaAndScaling(reader);
  reader.ue();
  skipPictureOrder(reader);
  // max_num_ref_frames, gaps_in_frame_num_value_allowed_flag, width, height
  reader.ue();
  reader.skip(1);
  reader.ue();
  reader.ue();
  // frame_mbs_only_flag, mb_adaptive_frame_field_flag
  if (reader.bit() === 0) reader.skip(1);
  reader.skip(1);
  if (reader.bit() === 1) for (let side = 0; side < 4; side++) reader.ue();
}

function skipChromaAndScaling(reader: BitReader): void {
  const chromaFormat = reader.ue();
  if (chromaFormat === 3) reader.skip(1);
  reader.ue();
  reader.ue();
  reader.skip(1);
  if (reader.bit() === 0) return;
  for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++) {
    if (reader.bit() === 1) skipScalingList(reader, list < 6 ? 16 : 64);
  }
}

function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + reader.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.ue();
  if (type === 0) reader.ue();
  if (type !== 1) return;
  reader.skip(1);
  reader.se();
  reader.se();
  const count = Math.min(reader.ue(), 255);
  for (let i = 0; i < count; i++) reader.se();
}
