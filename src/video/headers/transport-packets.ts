/** Packets of plain streams, of AVCHD and Blu-ray (4 bytes of time in front), and with 16 of parity. */
const packetLengths = [188, 192, 204];
const syncByte = 0x47;
/** So many in a row are no accident. */
const enoughPackets = 5;

/** The bytes are an MPEG transport stream, which may begin within a packet (ISO/IEC 13818-1, 2.4.3). */
export function isTransportStream(bytes: Uint8Array): boolean {
  return packetLengths.some((length) => {
    for (let start = 0; start < length; start++) if (isInStep(bytes, start, length)) return true;
    return false;
  });
}

/** A short stream counts where it begins with a packet and each of its packets is in step. */
function isInStep(bytes: Uint8Array, start: number, length: number): boolean {
  const first = length === 192 ? 4 : 0;
  if (start !== first && start + length * enoughPackets > bytes.length) return false;
  if (start + 188 > bytes.length) return false;
  const end = Math.min(bytes.length, start + length * enoughPackets);
  for (let at = start; at < end; at += length) if (bytes[at] !== syncByte) return false;
  return true;
}
