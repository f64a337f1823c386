import type { Container } from '../../frame/container.ts';

// An access unit delimiter for any picture type: H.264 7.3.2.4 (nal_unit_type 9), HEVC 7.3.2.5
// (nal_unit_type 35).
const delimiters: Partial<Readonly<Record<Container, Uint8Array>>> = {
  'h264-annex-b': Uint8Array.of(0, 0, 0, 1, 0x09, 0xf0),
  'hevc-annex-b': Uint8Array.of(0, 0, 0, 1, 0x46, 0x01, 0x50),
};

/** Chunks of raw video whose ends are marked for the decoder. */
export class AccessUnitCloser {
  readonly #delimiter: Uint8Array | undefined;
  #isOpen = false;

  constructor(container: Container) {
    this.#delimiter = delimiters[container];
  }

  /**
   * The bytes of a chunk, and how many of them, at its end, belong to the next unit. A decoder knows a
   * unit to be over only when the next one begins, which is one frame later; a delimiter behind it
   * begins the next one at once. The next one's own is left out then: two would be a unit without a
   * picture. Other containers say where their frames end: their bytes come back as they are.
   */
  close(data: Uint8Array, endsUnit: boolean): { data: Uint8Array; nextUnitBytes: number } {
    const delimiter = this.#delimiter;
    if (delimiter === undefined) return { data, nextUnitBytes: 0 };
    const rest = this.#isOpen ? withoutDelimiter(data, delimiter) : data;
    this.#isOpen = endsUnit;
    if (!endsUnit) return { data: rest, nextUnitBytes: 0 };
    const closed = new Uint8Array(rest.length + delimiter.length);
    closed.set(rest);
    closed.set(delimiter, rest.length);
    return { data: closed, nextUnitBytes: delimiter.length };
  }
}

/** The start code has three bytes or four; the last byte of a delimiter says which pictures follow. */
function withoutDelimiter(data: Uint8Array, delimiter: Uint8Array): Uint8Array {
  for (const whole of [delimiter, delimiter.subarray(1)]) {
    const begins = whole.subarray(0, -1).every((byte, at) => data[at] === byte);
    if (begins && data.length > whole.length) return data.subarray(whole.length);
  }
  return data;
}
