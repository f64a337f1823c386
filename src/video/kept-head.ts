import type { ChunkSource } from './chunk-source.ts';
import { farProbeBytes } from './ffmpeg/arguments.ts';

/** What a chunk counts at least: single bytes cost memory, too. */
const leastBytes = 256;

/** Bytes that went to a decoder and may be needed again, until its video is known or they are too many. */
export class KeptHead {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isWhole: boolean;

  /** @param keeps whether anything is to be kept */
  constructor(keeps: boolean) {
    this.#isWhole = keeps;
  }

  keep(bytes: Uint8Array): void {
    if (!this.#isWhole) return;
    this.#chunks.push(bytes);
    this.#bytes += Math.max(bytes.length, leastBytes);
    // A chunk may be a megabyte; what ffmpeg would read of it on a second look is less.
    if (this.#bytes > 4 * farProbeBytes) this.drop();
  }

  drop(): void {
    this.#isWhole = false;
    this.#chunks.length = 0;
  }

  /** Puts all of it back in front of `source`; false where it is not whole any more. */
  giveBack(source: ChunkSource): boolean {
    if (!this.#isWhole) return false;
    source.unread(this.#chunks.splice(0));
    return true;
  }
}
