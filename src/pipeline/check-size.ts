import { SegmentationError } from '../frame/errors.ts';
import type { Size } from '../frame/geometry.ts';
import type { SessionOptions } from './session-types.ts';

/** Throws `size-mismatch` where the video is not what the client announced. */
export function checkSize(display: Size, expected: SessionOptions['expectedSize']): void {
  const width = expected.width ?? display.width;
  const height = expected.height ?? display.height;
  if (width === display.width && height === display.height) return;
  throw new SegmentationError(
    'size-mismatch',
    `expected ${expected.width ?? 'any'} x ${expected.height ?? 'any'}, ` +
      `got ${display.width} x ${display.height}`,
  );
}
