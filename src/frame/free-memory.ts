/** A closed port: what is sent to it arrives nowhere. */
const nowhere = new MessageChannel().port1;
nowhere.close();

/**
 * Frees the whole memory under an array now, whose caller alone has it. Every view of it is empty from
 * then on, so that a use after it is found out.
 *
 * The garbage collector counts small objects: it lets 32 MB of array buffers gather in each thread before
 * it looks, and gathered small blocks are what the C library's arenas grow by. So large arrays that
 * somebody is done with many times a second are freed by hand. A buffer that is transferred leaves its
 * owner at once, and one that is sent to a closed port is dropped (HTML, "message port post message
 * steps"). What several threads share, and what is free already, is left alone.
 */
export function freeMemory({ buffer }: ArrayBufferView): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
  nowhere.postMessage(null, [buffer]);
}
