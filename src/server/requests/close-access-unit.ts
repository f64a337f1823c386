import type { Container } from '../../frame/container.ts';

// An access unit delimiter for any picture type: H.264 7.3.2.4 (nal_unit_type 9), HEVC 7.3.2.5
// (nal_unit_type 35).
const delimiters: Partial<Readonly<Record<Container, Uint8Array>>> = {
  'h264-annex-b': Uint8Array.of(0, 0, 0, 1, 0x09, 0xf0),
  'hevc-annex-b': Uint8Array.of(0, 0, 0, 1, 0x46, 0x01, 0x50),
};

/**
 * A whole access unit of raw video with its end marked. A decoder knows a unit to be over only when
 * the next one begins, which is one frame later; a delimiter behind it begins the next one at once.
 * Other containers say where their frames end: their bytes come back as they are.
 */
export function closeAccessUnit(data: Uint8Array, container: Container): Uint8Array {
  const delimiter = delimiters[container];
  if (delimiter === undefined) return data;
  const closed = new Uint8Array(data.length + delimiter.length);
  closed.set(data);
  closed.set(delimiter, data.length);
  return closed;
}
