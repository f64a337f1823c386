import { forEachRun } from '../../core/run-lengths.ts';

/** COCO's compressed run lengths as pixels, 0 or 1, row-major. */
export function fillRunLengths(
  counts: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const data = new Uint8Array(width * height);
  forEachRun(counts, data.length, (from, to) => {
    let row = from % height;
    let at = row * width + (from - row) / height;
    for (let left = to - from; left > 0; left--) {
      data[at] = 1;
      if (++row === height) {
        row = 0;
        at += 1 - (height - 1) * width;
      } else at += width;
    }
  });
  return data;
}
