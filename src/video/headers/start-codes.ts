import type { Container } from '../../frame/container.ts';

/** Units that are looked at. */
const maxUnits = 200;

/** Units of a stream that does not begin with one, so that chance is ruled out. */
const enoughUnits = 3;

/** Share of units that must fit: a stream may be joined within one, or be damaged. */
const minFitRatio = 0.9;

/**
 * H.264, HEVC and MPEG-1/2 are all cut by 00 00 01; which of them it is, the bytes behind tell, unit
 * by unit. A stream that is joined late begins with any unit, or within one.
 */
export function detectStartCodes(bytes: Uint8Array): Container | null {
  const units = unitStarts(bytes);
  if (units.length === 0) return null;
  const isAtStart = bytes.subarray(0, (units[0] ?? 0) - 1).every((byte) => byte === 0);
  if (!isAtStart && units.length < enoughUnits) return null;
  if (looksLikeMpeg(bytes, units)) return 'mpeg-video';
  const share = (fits: (first: number, second: number) => boolean): number =>
    units.filter((at) => fits(bytes[at] ?? 0xff, bytes[at + 1] ?? 0xff)).length / units.length;
  const hevc = share(fitsHevc);
  const h264 = share(fitsH264);
  if (Math.max(hevc, h264) < minFitRatio) return null;
  return hevc > h264 ? 'hevc-annex-b' : 'h264-annex-b';
}

/** Places behind each 00 00 01. */
function unitStarts(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = bytes.indexOf(1, 2); at >= 0; at = bytes.indexOf(1, at + 1)) {
    if (bytes[at - 1] !== 0 || bytes[at - 2] !== 0 || at + 2 >= bytes.length) continue;
    starts.push(at + 1);
    if (starts.length === maxUnits) break;
  }
  return starts;
}

/** A sequence header (b3) and pictures (00) with slices (01 to af), as ISO/IEC 13818-2, 6.2.1. */
function looksLikeMpeg(bytes: Uint8Array, units: readonly number[]): boolean {
  const codes = units.map((at) => bytes[at] ?? 0xff);
  if (codes[0] === 0xb3) return true;
  const known = codes.filter((code) => code <= 0xaf || (code >= 0xb2 && code <= 0xb8)).length;
  return codes.includes(0xb3) && codes.includes(0) && known === codes.length;
}

/** nal_unit_header of the base layer: 0, type, layer 0, temporal id + 1 (H.265, 7.3.1.2). */
function fitsHevc(first: number, second: number): boolean {
  const type = first >> 1;
  const isUsed = type <= 9 || (type >= 16 && type <= 21) || (type >= 32 && type <= 40);
  return (first & 0x81) === 0 && second >= 1 && second <= 7 && isUsed;
}

/** nal_ref_idc is 0 for what nothing refers to, and not for what everything does (H.264, 7.4.1). */
function fitsH264(first: number, second: number): boolean {
  if ((first & 0x80) !== 0) return false;
  const isReference = (first & 0x60) !== 0;
  switch (first & 0x1f) {
    case 1: // slice
    case 14: // prefix of a layered stream, and its parameter sets and slices
    case 19:
    case 20:
      return true;
    case 5: // slice of a picture to begin with
      return isReference;
    case 7: // sequence parameter set, with its profile
    case 15:
      return isReference && second >= 44;
    case 8: // picture parameter set: its ids come first, and are small
      return isReference && second >= 0x08;
    case 6: // SEI, delimiter, ends, filler
    case 9:
    case 10:
    case 11:
    case 12:
      return !isReference;
    default:
      return false;
  }
}
