import { freeMemory } from '../../frame/free-memory.ts';

/** Values of the largest flow grid, 256 x 256. Planes of all grids have room for them; see `takePlane`. */
const mostValues = 256 * 256;
/** Planes of the flow over all frames that one stream can go back to: 27 MB at 256 x 144. */
const mostSpare = 192;
/** Memory that was given back; see {@link takePlane}. */
const spare: ArrayBuffer[] = [];

/**
 * Memory for one value a grid pixel, with what was in it before, until it is given back. A stream needs
 * some 0.4 MB for the flow of each frame. Streams of all sizes use the same planes, which have room for
 * the largest grid: what is not touched costs no memory. Only a larger grid has planes of its own.
 */
export function takePlane(length: number): Float32Array {
  if (length > mostValues) return new Float32Array(length);
  const room = spare.pop() ?? new ArrayBuffer(mostValues * Float32Array.BYTES_PER_ELEMENT);
  return new Float32Array(room, 0, length);
}

/**
 * Gives a plane back: nothing may read or write it any more. What this thread keeps is bounded, the rest
 * is freed. Throws where it was given back before: two fields would have it.
 */
export function giveBackPlane(plane: Float32Array): void {
  const { buffer } = plane;
  const isOurs = buffer.byteLength === mostValues * Float32Array.BYTES_PER_ELEMENT;
  if (!isOurs || !(buffer instanceof ArrayBuffer) || spare.length >= mostSpare) {
    freeMemory(plane);
    return;
  }
  if (spare.includes(buffer)) throw new Error('a plane of flow was given back twice');
  spare.push(buffer);
}
