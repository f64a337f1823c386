import { latin1 } from './latin1.ts';

/** A box of ISO/IEC 14496-12, as places in the bytes that hold it. */
export type Mp4Box = {
  readonly type: string;
  readonly start: number;
  /** After the header, and after version and flags where the caller skips them. */
  readonly body: number;
  readonly end: number;
};

/** Header of the box at `at`: its length, its type and where its body begins; null where it is cut. */
export function mp4BoxAt(bytes: Uint8Array, at: number): Mp4Box | null {
  if (at + 8 > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(at);
  const type = latin1(bytes, at + 4, at + 8);
  if (size === 1) {
    if (at + 16 > bytes.length) return null;
    return { type, start: at, body: at + 16, end: at + Number(view.getBigUint64(at + 8)) };
  }
  // 0: to the end of the file.
  return { type, start: at, body: at + 8, end: size === 0 ? Infinity : at + size };
}

/** The boxes side by side within a box, or within all of `bytes`; stops at the first broken one. */
export function* mp4Boxes(
  bytes: Uint8Array,
  within: { readonly body: number; readonly end: number } = { body: 0, end: bytes.length },
): Generator<Mp4Box, void, void> {
  const end = Math.min(within.end, bytes.length);
  for (let at = within.body; at + 8 <= end;) {
    const box = mp4BoxAt(bytes, at);
    if (box === null || box.end < box.body || box.end > end) return;
    yield box;
    at = box.end;
  }
}

/** The first box of a path of types below `parent`; null where one is missing. */
export function findMp4Box(
  bytes: Uint8Array,
  parent: { readonly body: number; readonly end: number },
  path: readonly string[],
): Mp4Box | null {
  let found: Mp4Box | null = null;
  let within = parent;
  for (const type of path) {
    found = null;
    for (const box of mp4Boxes(bytes, within)) {
      if (box.type !== type) continue;
      found = box;
      break;
    }
    if (found === null) return null;
    within = found;
  }
  return found;
}
