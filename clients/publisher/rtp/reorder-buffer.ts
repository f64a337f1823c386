/** Packets that wait for one before them. */
const maxHeld = 64;

/** Longest wait, in milliseconds: more than what a path turns round within one site. */
const maxWaitMs = 100;

/**
 * Puts RTP packets, which networks may turn round, in order of their numbers. One that does not come
 * is given up when enough others wait for it, or wait for long.
 */
export class ReorderBuffer {
  readonly #onPacket: (packet: Buffer) => void;
  readonly #held = new Map<number, { readonly packet: Buffer; readonly cameAtMs: number }>();
  #next: number | null = null;

  /** @param onPacket takes the packets in order */
  constructor(onPacket: (packet: Buffer) => void) {
    this.#onPacket = onPacket;
  }

  /** Takes a packet as it comes. `nowMs`: monotonic. */
  push(packet: Buffer, nowMs: number): void {
    if (packet.length < 4) return;
    const sequence = packet.readUInt16BE(2);
    this.#next ??= sequence;
    // 16-bit counters wrap: what is less than half a turn ahead is ahead.
    const ahead = (sequence - this.#next) & 0xffff;
    if (ahead >= 0x8000) return;
    this.#held.set(sequence, { packet, cameAtMs: nowMs });
    this.#handOver();
    while (this.#held.size > 0 && this.#isTired(nowMs)) {
      this.#next = this.#nearest(this.#next);
      this.#handOver();
    }
  }

  #handOver(): void {
    for (;;) {
      const next = this.#next ?? 0;
      const found = this.#held.get(next);
      if (found === undefined) return;
      this.#held.delete(next);
      this.#next = (next + 1) & 0xffff;
      this.#onPacket(found.packet);
    }
  }

  #isTired(nowMs: number): boolean {
    const [oldest] = this.#held.values();
    return (
      this.#held.size > maxHeld || (oldest !== undefined && nowMs - oldest.cameAtMs >= maxWaitMs)
    );
  }

  /** The first number after a hole. */
  #nearest(from: number): number {
    const ahead = [...this.#held.keys()].map((sequence) => (sequence - from) & 0xffff);
    return (from + Math.min(...ahead)) & 0xffff;
  }
}
