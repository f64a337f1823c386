import { latin1 } from './headers/latin1.ts';

/** A format that is known by its first bytes and is not taken. */
export type ForeignFormat = { readonly name: string; readonly kind: 'image' | 'video' | 'other' };

const heifBrands: Readonly<Record<string, string>> = {
  heic: 'HEIC',
  heix: 'HEIC',
  heim: 'HEIC',
  heis: 'HEIC',
  mif1: 'HEIF',
  avif: 'AVIF',
  'crx ': 'Canon CR3',
};

const image = 'image';
const video = 'video';
const other = 'other';

/** First bytes as Latin-1, with the name of what begins so. */
const beginnings: readonly (readonly [string, string, ForeignFormat['kind']])[] = [
  ['GIF87a', 'GIF', image],
  ['GIF89a', 'GIF', image],
  ['II*\0', 'TIFF (or a raw photo)', image],
  ['MM\0*', 'TIFF (or a raw photo)', image],
  ['8BPS', 'Photoshop', image],
  ['\0\0\0\x0cJXL ', 'JPEG XL', image],
  ['\xff\x0a', 'JPEG XL', image],
  ['\0\0\0\x0cjP  ', 'JPEG 2000', image],
  ['\xff\x4f\xff\x51', 'JPEG 2000', image],
  ['\x76\x2f\x31\x01', 'OpenEXR', image],
  ['qoif', 'QOI', image],
  ['<svg', 'SVG', image],
  ['\0\0\x01\xba', 'an MPEG program stream', video],
  ['\0\0\x01\xb0', 'a raw MPEG-4 stream', video],
  ['\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'Windows Media (ASF)', video],
  ['OggS', 'Ogg', video],
  ['.RMF', 'RealMedia', video],
  ['\x06\x0e\x2b\x34', 'MXF', video],
  ['YUV4MPEG2', 'YUV4MPEG', video],
  ['\x1f\x07\0', 'DV', video],
  ['%PDF', 'PDF', other],
  ['PK\x03\x04', 'ZIP', other],
  ['\x1f\x8b', 'gzip', other],
  ['ID3', 'MP3', other],
  ['fLaC', 'FLAC', other],
];

/** Names a common format that the service does not take; null where the bytes are something else. */
export function foreignFormat(firstBytes: Uint8Array): ForeignFormat | null {
  const head = latin1(firstBytes, 0, 64);
  const brand = head.slice(4, 8) === 'ftyp' ? heifBrands[head.slice(8, 12)] : undefined;
  if (brand !== undefined) return { name: brand, kind: image };
  // Two letters are little: the reserved field of its header is 0 as well.
  if (head.startsWith('BM') && head.slice(6, 10) === '\0\0\0\0')
    return { name: 'BMP', kind: image };
  const found = beginnings.find(([beginning]) => head.startsWith(beginning));
  return found === undefined ? null : { name: found[1], kind: found[2] };
}

/** What to do about it. */
export function adviceOn({ name, kind }: ForeignFormat): string {
  switch (kind) {
    case 'image':
      return `${name} is not taken: give JPEG, PNG or WebP`;
    case 'video':
      return `${name} is not taken: give MP4, Matroska, WebM, MPEG-TS or AVI, for example by ffmpeg -i FILE OUT.mp4`;
    case 'other':
      return `${name} is neither a video nor an image`;
  }
}
