import type { BitReader } from './bit-reader.ts';

const extendedSar = 255;

/**
 * Skips what the VUI parameters of H.264 (E.1.1) and HEVC (E.2.1) begin with alike: aspect ratio,
 * overscan, video signal type and chroma location.
 */
export function skipVuiHead(reader: BitReader): void {
  // aspect_ratio_info
  if (reader.bit() === 1 && reader.bits(8) === extendedSar) reader.skip(32);
  // overscan_info
  if (reader.bit() === 1) reader.skip(1);
  // video_signal_type, with colour_description
  if (reader.bit() === 1) {
    reader.skip(4);
    if (reader.bit() === 1) reader.skip(24);
  }
  // chroma_loc_info
  if (reader.bit() === 1) {
    reader.ue();
    reader.ue();
  }
}
