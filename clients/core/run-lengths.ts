/**
 * Reads COCO's compressed run lengths of a mask that a server answered (pycocotools, rleFrString):
 * runs over the columns, background first; 5 bits a character, least significant first, bit 5 = more
 * follow; from the fourth run on the difference to the run two before.
 *
 * @param pixels of the picture; more is an error, what is missing is background
 * @param visit is called with each run of the foreground that is not empty: pixels `from` to `to`,
 *   column-major
 * @throws Error where the runs cover more than `pixels`
 */
export function forEachRun(
  counts: Uint8Array,
  pixels: number,
  visit: (from: number, to: number) => void,
): void {
  let [beforeLast, last, position] = [0, 0, 0];
  for (let at = 0, index = 0; at < counts.length; index++) {
    let run = 0;
    let shift = 0;
    let code: number;
    do {
      code = (counts[at++] ?? 48) - 48;
      run |= (code & 0x1f) << shift;
      shift += 5;
    } while (code & 0x20);
    if (code & 0x10 && shift < 32) run |= -1 << shift;
    if (index > 2) run += beforeLast;
    if (run < 0 || position + run > pixels) {
      throw new Error(`run lengths must fill ${pixels} pixels, got more`);
    }
    if (index % 2 === 1 && run > 0) visit(position, position + run);
    position += run;
    beforeLast = last;
    last = run;
  }
}
