/** Planes that were given back, oldest first; see {@link takePlane}. */
const spare: Float32Array[] = [];
let spareBytes = 0;
/** The flow over all frames that one stream can go back to: 62 of them at 256 x 144. */
const mostSpareBytes = 32 * 1024 * 1024;

/**
 * Memory for one value a grid pixel, with what was in it before, until it is given back. A stream
 * needs some 0.4 MB for the flow of each frame: left to the garbage collector, which sees small objects
 * only, tens of megabytes gather in each thread before it looks for them.
 */
export function takePlane(length: number): Float32Array {
  const at = spare.findLastIndex((plane) => plane.length === length);
  const [plane] = at < 0 ? [] : spare.splice(at, 1);
  if (plane === undefined) return new Float32Array(length);
  spareBytes -= plane.byteLength;
  return plane;
}

/**
 * Gives a plane of {@link takePlane} back, once: nothing may read or write it any more. What this
 * thread keeps is bounded; the oldest goes first, so that sizes which no stream has any more leave.
 */
export function giveBackPlane(plane: Float32Array): void {
  spare.push(plane);
  spareBytes += plane.byteLength;
  while (spareBytes > mostSpareBytes) spareBytes -= spare.shift()!.byteLength;
}
