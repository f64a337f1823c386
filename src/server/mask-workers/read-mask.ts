import type { RunLengthMask } from '../../frame/coco-rle.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { EncodedMask } from './messages.ts';
import type { MaskJobOptions, MaskWorkers } from './mask-workers.ts';

/** Run lengths above this are no outline of anything: a 4K mask of noise has 5 MB of them. */
export const maxRunLengthBytes = 4 * 1024 * 1024;

/**
 * Reads a client's mask in a worker, once its size is known to be allowed.
 *
 * @throws SegmentationError `invalid-prompt`, and what `MaskWorkers.run` throws.
 */
export async function readClientMask(
  mask: EncodedMask,
  maxPixels: number,
  options: MaskJobOptions & { readonly workers: MaskWorkers },
): Promise<RunLengthMask> {
  const { width, height } = mask;
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw new SegmentationError(
      'invalid-prompt',
      `mask must have 1..${maxPixels} pixels, got ${width} x ${height}`,
    );
  }
  // A copy of its own: what it came in may be large, and may have other masks in it.
  const bytes = new Uint8Array(mask.bytes);
  const job = { kind: 'read', bytes, maxPixels, maxBytes: maxRunLengthBytes } as const;
  return await options.workers.run(job, options);
}

/**
 * Refuses masks of one message that have too many pixels together, before any of them is read.
 *
 * @throws SegmentationError `request-too-large`.
 */
export function checkMaskPixels(masks: readonly (EncodedMask | null)[], maxPixels: number): void {
  let pixels = 0;
  for (const mask of masks) pixels += (mask?.width ?? 0) * (mask?.height ?? 0);
  if (pixels <= maxPixels) return;
  throw new SegmentationError(
    'request-too-large',
    `masks of one request must have at most ${maxPixels} pixels together, got ${pixels}`,
  );
}
