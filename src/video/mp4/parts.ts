import { mp4BoxAt } from '../headers/mp4-boxes.ts';
import { fragmentTimes } from '../headers/mp4-fragment.ts';

/** The index of a fragmented MP4 lists no samples: a kilobyte or two. A longer one is not kept. */
const maxInitBytes = 1024 * 1024;

/** A longer `moof` is passed on without a look at its times. */
const maxFragmentBytes = 4 * 1024 * 1024;

/** What became of some bytes. */
export type PartedBytes = {
  /** They belong to this part. */
  readonly send: readonly Uint8Array[];
  /** They begin the next part; null while this one goes on. */
  readonly rest: readonly Uint8Array[] | null;
  /** Bytes at the start of `rest` that were sent before: the index, for a decoder that is new. */
  readonly repeatedBytes: number;
};

/**
 * Cuts a fragmented MP4 where it begins anew: with another index, or with times that go back, as a
 * sender that reconnects writes them. ffmpeg skips the second index and then loses every fragment whose
 * times lie before those it has seen, without a word; a new one reads them.
 */
export class Mp4Parts {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #wantedBytes = 8;
  /** Bytes of the box in hand that are still to come. */
  #bodyBytes = 0;
  #init: Uint8Array[] = [];
  #initBytes = 0;
  #isInit = false;
  #begun = false;
  readonly #times = new Map<number, number>();

  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): PartedBytes {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const send: Uint8Array[] = [];
    if (this.#bodyBytes === 0 && this.#heldBytes < this.#wantedBytes) return parted(send);
    const [first] = this.#held;
    const data = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    let at = 0;
    while (at < data.length) {
      if (this.#bodyBytes > 0) {
        at = this.#pass(data, at, send);
        continue;
      }
      const box = mp4BoxAt(data, at);
      this.#wantedBytes = 16;
      if (box === null) break;
      const length = box.end - at;
      if (box.type === 'moof' && length <= maxFragmentBytes && box.end > data.length) {
        this.#wantedBytes = length;
        break;
      }
      if (this.#begun && (box.type === 'ftyp' || box.type === 'moov')) {
        return { send, rest: [data.subarray(at)], repeatedBytes: 0 };
      }
      if (box.type === 'moof' && this.#goesBack(data.subarray(at, box.end))) {
        return { send, rest: [...this.#init, data.subarray(at)], repeatedBytes: this.#initBytes };
      }
      this.#begun ||= box.type === 'moof';
      this.#isInit = !this.#begun && (box.type === 'ftyp' || box.type === 'moov');
      // A broken length: the decoder may make something of what follows.
      this.#bodyBytes = length > 0 ? length : Infinity;
    }
    this.#held = at < data.length ? [data.subarray(at)] : [];
    this.#heldBytes = data.length - at;
    return parted(send);
  }

  /** What is held at the end of the stream. */
  end(): readonly Uint8Array[] {
    return this.#held.splice(0);
  }

  #pass(data: Uint8Array, from: number, send: Uint8Array[]): number {
    const to = Math.min(data.length, from + this.#bodyBytes);
    const bytes = data.subarray(from, to);
    send.push(bytes);
    this.#bodyBytes -= bytes.length;
    if (this.#isInit && this.#initBytes + bytes.length <= maxInitBytes) {
      this.#init.push(bytes);
      this.#initBytes += bytes.length;
    }
    return to;
  }

  #goesBack(moof: Uint8Array): boolean {
    let isBack = false;
    for (const { trackId, time } of fragmentTimes(moof)) {
      const before = this.#times.get(trackId);
      isBack ||= before !== undefined && time < before;
      this.#times.set(trackId, time);
    }
    return isBack && this.#initBytes > 0;
  }
}

function parted(send: readonly Uint8Array[]): PartedBytes {
  return { send, rest: null, repeatedBytes: 0 };
}
