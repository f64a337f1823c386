import type { Size } from '../frame/geometry.ts';

/** Boundary tolerance as a share of the picture's diagonal, as davis2017-evaluation sets it. */
const toleranceOfDiagonal = 0.008;

/**
 * F of one frame: harmonic mean of boundary precision and recall, where a boundary pixel counts as
 * found if a disk around it meets the other boundary (`f_measure` of davis2017-evaluation).
 *
 * @param predicted row-major, non-zero = set
 */
export function boundaryScore(predicted: Uint8Array, truth: Uint8Array, size: Size): number {
  const radius = Math.ceil(toleranceOfDiagonal * Math.hypot(size.width, size.height));
  const ours = boundaryPixels(predicted, size);
  const theirs = boundaryPixels(truth, size);
  if (ours.length === 0 && theirs.length === 0) return 1;
  // The reference gives precision 1, recall 0 (or the reverse) here: F is 0 either way.
  if (ours.length === 0 || theirs.length === 0) return 0;
  const precision = shareNear(ours, theirs, size, radius);
  const recall = shareNear(theirs, ours, size, radius);
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/**
 * Indices of boundary pixels: those that differ from the pixel to the right, below, or both
 * (`seg2bmap`); the last row and column look along the edge only.
 */
export function boundaryPixels(bitmap: Uint8Array, size: Size): number[] {
  const { width, height } = size;
  const pixels: number[] = [];
  for (let y = 0; y < height; y++) {
    const down = y + 1 < height ? width : 0;
    for (let x = 0; x < width; x++) {
      const right = x + 1 < width ? 1 : 0;
      const at = y * width + x;
      const self = !bitmap[at];
      if (
        self !== !bitmap[at + right] ||
        self !== !bitmap[at + down] ||
        self !== !bitmap[at + down + right]
      ) {
        pixels.push(at);
      }
    }
  }
  return pixels;
}

/** Share of `pixels` that lie in a disk of `radius` around any of `others`. */
function shareNear(
  pixels: readonly number[],
  others: readonly number[],
  size: Size,
  radius: number,
): number {
  const { width, height } = size;
  const near = new Uint8Array(width * height);
  // Painting row spans beats a distance transform: boundaries are thin and the disk is small.
  const reach = Array.from({ length: 2 * radius + 1 }, (_, row) =>
    Math.floor(Math.sqrt(radius * radius - (row - radius) ** 2)),
  );
  for (const at of others) {
    const x = at % width;
    const y = (at - x) / width;
    for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
      const span = reach[row - y + radius] ?? 0;
      const start = row * width;
      near.fill(1, start + Math.max(0, x - span), start + Math.min(width, x + span + 1));
    }
  }
  let found = 0;
  for (const at of pixels) found += near[at] ?? 0;
  return found / pixels.length;
}
