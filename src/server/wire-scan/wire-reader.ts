import { SegmentationError } from '../../frame/errors.ts';
import { wireTypes, type WireType } from './wire-schema.ts';

/** One field as it lies in a message: `start` to `end` with its tag, its value from `valueStart` on. */
export type WireEntry = {
  readonly number: number;
  readonly wireType: WireType;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
};

/** Walks over the fields of protobuf bytes without reading their values. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.#at = start;
  }

  /**
   * The next field before `end`; null there.
   *
   * @throws SegmentationError `malformed-message` for what no protobuf encoder writes.
   */
  next(end: number): WireEntry | null {
    if (this.#at >= end) return null;
    const start = this.#at;
    const tag = this.varint32(end);
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (number === 0 || !isWireType(wireType)) throw malformed(`a tag of ${tag}`);
    let valueStart = this.#at;
    switch (wireType) {
      case wireTypes.varint:
        this.#skipVarint(end);
        break;
      case wireTypes.bits64:
        this.#at += 8;
        break;
      case wireTypes.bits32:
        this.#at += 4;
        break;
      case wireTypes.bytes: {
        const length = this.varint32(end);
        valueStart = this.#at;
        this.#at += length;
      }
    }
    if (this.#at > end) throw malformed(`a field ${number} that is longer than what holds it`);
    return { number, wireType, start, valueStart, end: this.#at };
  }

  /** An unsigned number of at most 32 bits. */
  varint32(end: number): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte(end);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value <= 0xffffffff) return value;
        break;
      }
    }
    throw malformed('a number of more than 32 bits');
  }

  #skipVarint(end: number): void {
    for (let length = 1; length <= 10; length++) if (this.#byte(end) < 0x80) return;
    throw malformed('a number of more than 64 bits');
  }

  #byte(end: number): number {
    if (this.#at >= end) throw malformed('an end within a number');
    return this.#bytes[this.#at++] as number;
  }
}

/** The error for bytes that are no message. */
export function malformed(came: string): SegmentationError {
  return new SegmentationError('malformed-message', `message must be valid protobuf, got ${came}`);
}

function isWireType(type: number): type is WireType {
  return type === 0 || type === 1 || type === 2 || type === 5;
}
