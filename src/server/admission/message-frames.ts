import { prefixBytes } from './unpack-message.ts';

/** Follows the frames of gRPC messages in the bytes of a call, which it does not keep. */
export class MessageFrames {
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixLength = 0;
  #rest = 0;
  /** Bytes of the message that is not complete, its prefix included; 0 between messages. */
  unfinishedBytes = 0;
  /** Messages that are complete. */
  messages = 0;

  /**
   * Takes the next bytes.
   *
   * @returns the first message whose prefix states more than `maxBytes`, and where in `data` it begins
   *   (0 where that was earlier); nothing behind it is looked at. Null where there is none.
   */
  push(
    data: Uint8Array,
    maxBytes: number,
  ): { readonly length: number; readonly begins: number } | null {
    for (let at = 0, begins = 0; at < data.length;) {
      if (this.#prefixLength < prefixBytes) {
        const taken = Math.min(data.length - at, prefixBytes - this.#prefixLength);
        this.#prefix.set(data.subarray(at, at + taken), this.#prefixLength);
        this.#prefixLength += taken;
        this.unfinishedBytes += taken;
        at += taken;
        if (this.#prefixLength < prefixBytes) break;
        this.#rest = this.#prefix.readUInt32BE(1);
        if (this.#rest > maxBytes) return { length: this.#rest, begins };
      }
      const taken = Math.min(data.length - at, this.#rest);
      this.#rest -= taken;
      this.unfinishedBytes += taken;
      at += taken;
      if (this.#rest > 0) continue;
      this.messages++;
      this.#prefixLength = 0;
      this.unfinishedBytes = 0;
      begins = at;
    }
    return null;
  }
}
