/** RTCP packet types (RFC 3550, 12.1). */
const senderReport = 200;
const goodbye = 203;

/** Seconds from 1900, where NTP begins, to 1970. */
const ntpOffsetSeconds = 2_208_988_800;

/** An instant by both clocks of a sender. */
type Instant = { readonly wallUs: number; readonly rtpTimestamp: number };

/**
 * The wall clock of a sender, as its reports tie it to the timestamps of its packets (RFC 3550, 6.4.1).
 * Its clock may be off; what is told is what it says itself.
 */
export class SenderClock {
  readonly #clockRate: number;
  #report: Instant | null = null;

  /** @param clockRate ticks of the media clock a second */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** Takes a compound RTCP packet of one stream. `left`: the sender said goodbye. */
  take(bytes: Buffer): { readonly left: boolean } {
    let left = false;
    for (let at = 0; at + 8 <= bytes.length;) {
      const end = at + 4 + 4 * bytes.readUInt16BE(at + 2);
      if (bytes[at]! >> 6 !== 2 || end > bytes.length) break;
      const type = bytes[at + 1]!;
      if (type === senderReport && end - at >= 20) this.#report = readReport(bytes, at);
      left ||= type === goodbye;
      at = end;
    }
    return { left };
  }

  /** When the picture with this timestamp was taken, in microseconds since 1970; null: not said yet. */
  wallUs(rtpTimestamp: number): number | null {
    if (this.#report === null) return null;
    const { wallUs, rtpTimestamp: reported } = this.#report;
    // The difference of 32-bit counters, which wrap every thirteen hours, with its sign.
    const ticks = (rtpTimestamp - reported) | 0;
    return wallUs + Math.round((ticks * 1_000_000) / this.#clockRate);
  }
}

function readReport(bytes: Buffer, at: number): Instant | null {
  const seconds = bytes.readUInt32BE(at + 8);
  const fraction = bytes.readUInt32BE(at + 12);
  // Zero: the sender has no wall clock.
  if (seconds === 0 && fraction === 0) return null;
  // NTP's counter begins anew in 2036; a clock that was never set counts from zero.
  const since1970 = seconds - ntpOffsetSeconds + (seconds < 0x8000_0000 ? 2 ** 32 : 0);
  const wallUs = since1970 * 1_000_000 + Math.round((fraction / 2 ** 32) * 1_000_000);
  return { wallUs, rtpTimestamp: bytes.readUInt32BE(at + 16) };
}
