import type { Size } from '../src/frame/geometry.ts';

/** The largest 4-connected region of a bitmap as a bitmap of its own; null for an empty one. */
export function largestRegion(bitmap: Uint8Array, { width, height }: Size): Uint8Array | null {
  const labels = new Uint32Array(bitmap.length);
  const stack: number[] = [];
  let best = { label: 0, area: 0 };
  let label = 0;
  for (let start = 0; start < bitmap.length; start++) {
    if (!bitmap[start] || labels[start] !== 0) continue;
    label++;
    let area = 0;
    labels[start] = label;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      area++;
      const x = at % width;
      const y = (at - x) / width;
      const neighbours = [
        x > 0 ? at - 1 : at,
        x + 1 < width ? at + 1 : at,
        y > 0 ? at - width : at,
        y + 1 < height ? at + width : at,
      ];
      for (const next of neighbours) {
        if (!bitmap[next] || labels[next] !== 0) continue;
        labels[next] = label;
        stack.push(next);
      }
    }
    if (area > best.area) best = { label, area };
  }
  if (best.area === 0) return null;
  return Uint8Array.from(labels, (value) => (value === best.label ? 1 : 0));
}
