import { latin1 } from './latin1.ts';

/** One picture of a JPEG file or of a row of JPEGs, told from its markers (ITU-T T.81, annex B). */
export type JpegPicture = {
  /** After its last byte. */
  readonly end: number;
  /**
   * `whole`: with its end marker. `next`: the next picture begins before one. `cut`: the bytes end
   * first.
   */
  readonly ending: 'whole' | 'next' | 'cut';
  /** Several scans, each of which makes the whole picture finer. */
  readonly progressive: boolean;
  /** It says that other pictures follow that belong to it (CIPA DC-007): a gain map, a second view. */
  readonly hasMorePictures: boolean;
  /** The TIFF header of its Exif data; null where it has none. */
  readonly exif: { readonly start: number; readonly end: number } | null;
  /** Null before its frame header. */
  readonly size: { readonly width: number; readonly height: number } | null;
};

const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;

/** Follows the picture whose start marker is at `from`. Segments are skipped whole. */
export function walkJpeg(bytes: Uint8Array, from = 0): JpegPicture {
  const found = { progressive: false, hasMorePictures: false, exif: null, size: null } as Mutable<
    Omit<JpegPicture, 'end' | 'ending'>
  >;
  let scanned = false;
  for (let at = from + 2; ;) {
    at = nextMarker(bytes, at);
    const marker = bytes[at + 1];
    if (marker === undefined) return { ...found, end: bytes.length, ending: 'cut' };
    if (marker === endOfImage) return { ...found, end: at + 2, ending: 'whole' };
    if (marker === startOfImage) return { ...found, end: at, ending: 'next' };
    at += 2;
    if (isAlone(marker)) continue;
    const end = at + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
    if (at + 2 > bytes.length || end > bytes.length) {
      return { ...found, end: bytes.length, ending: 'cut' };
    }
    // What stands behind the first scan says nothing of this picture.
    if (!scanned) noteSegment(bytes, { marker, start: at + 2, end }, found);
    scanned ||= marker === startOfScan;
    at = marker === startOfScan ? endOfScan(bytes, end) : end;
  }
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

function noteSegment(
  bytes: Uint8Array,
  segment: { readonly marker: number; readonly start: number; readonly end: number },
  found: Mutable<Omit<JpegPicture, 'end' | 'ending'>>,
): void {
  const { marker, start, end } = segment;
  const word = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const text = (length: number): string => latin1(bytes, start, start + length);
  // Frame headers, but for the tables of Huffman (c4), JPEG (c8) and arithmetic codes (cc).
  if ((marker & 0xf0) === 0xc0 && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
    found.progressive = marker === 0xc2 || marker === 0xca;
    found.size = { height: word(start + 1), width: word(start + 3) };
  } else if (marker === 0xe1 && text(4) === 'Exif') {
    found.exif ??= { start: start + 6, end };
  } else if (marker === 0xe2 && text(4) === 'MPF\0') {
    found.hasMorePictures = true;
  }
}

/** The next marker, past fill bytes (any number of ff) and past bytes that belong to nothing. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== 0xff && next !== 0) return at;
  }
  return bytes.length;
}

/** Within a scan ff is followed by 0, by a restart marker or by more ff: another marker ends it. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = nextMarker(bytes, from); ; at = nextMarker(bytes, at + 2)) {
    const marker = bytes[at + 1];
    if (marker === undefined || (marker & 0xf8) !== 0xd0) return at;
  }
}

/** Markers without a segment: TEM and restarts. */
function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker & 0xf8) === 0xd0;
}
