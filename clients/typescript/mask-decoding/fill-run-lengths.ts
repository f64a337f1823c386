/**
 * COCO's compressed run lengths as pixels: runs over the columns, background first; 5 bits a
 * character, least significant first, bit 5 = more follow; from the fourth run on the difference to
 * the run two before (pycocotools, rleFrString).
 */
export function fillRunLengths(
  counts: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const data = new Uint8Array(width * height);
  const runs: number[] = [];
  let position = 0;
  for (let at = 0; at < counts.length;) {
    let run = 0;
    let shift = 0;
    let code: number;
    do {
      code = (counts[at++] ?? 48) - 48;
      run |= (code & 0x1f) << shift;
      shift += 5;
    } while (code & 0x20);
    if (code & 0x10 && shift < 32) run |= -1 << shift;
    if (runs.length > 2) run += runs.at(-2) ?? 0;
    if (run < 0 || position + run > data.length) {
      throw new Error(`run lengths must fill ${data.length} pixels, got more`);
    }
    if (runs.length % 2 === 1) {
      for (let pixel = position; pixel < position + run; pixel++) {
        data[(pixel % height) * width + Math.floor(pixel / height)] = 1;
      }
    }
    runs.push(run);
    position += run;
  }
  return data;
}
