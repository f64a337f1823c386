import { latin1 } from './latin1.ts';
import type { ImageFormat } from '../stream-format.ts';

/** The image is an animation: an APNG, or a WebP that says so in its header. */
export function isAnimated(bytes: Uint8Array, format: ImageFormat): boolean {
  switch (format) {
    case 'png':
      return hasAnimationControl(bytes);
    case 'webp':
      // The second lowest bit of an extended header's flags (RFC 9649, 2.7).
      return latin1(bytes, 12, 16) === 'VP8X' && ((bytes[20] ?? 0) & 2) !== 0;
    case 'jpeg':
      return false;
  }
}

/** `acTL` stands before the picture data (PNG, third edition, 11.3.6.1). */
function hasAnimationControl(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = latin1(bytes, at + 4, at + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
  }
  return false;
}
