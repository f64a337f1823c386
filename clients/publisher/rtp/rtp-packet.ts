/** What a receiver needs of an RTP packet (RFC 3550, 5.1). */
export type RtpPacket = {
  readonly payloadType: number;
  /** The last one of its picture. */
  readonly marker: boolean;
  /** 16 bits, one more than that of the packet before. */
  readonly sequence: number;
  /** 32 bits, ticks of the media clock. */
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
};

const headerBytes = 12;

/** Reads a packet; null where it is none. */
export function readRtpPacket(bytes: Buffer): RtpPacket | null {
  if (bytes.length < headerBytes || bytes[0]! >> 6 !== 2) return null;
  const [flags, kind] = [bytes[0]!, bytes[1]!];
  let start = headerBytes + 4 * (flags & 0x0f);
  if ((flags & 0x10) !== 0) {
    if (bytes.length < start + 4) return null;
    start += 4 + 4 * bytes.readUInt16BE(start + 2);
  }
  const padding = (flags & 0x20) === 0 ? 0 : bytes[bytes.length - 1]!;
  const end = bytes.length - padding;
  if (start > end) return null;
  return {
    payloadType: kind & 0x7f,
    marker: kind >= 0x80,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(start, end),
  };
}
