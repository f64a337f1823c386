import { WireReader } from './wire-reader.ts';

/** A message parted in two: some of its fields as their bytes, the others still a message. */
export type TakenFields = {
  /** The message without the fields. */
  readonly rest: Uint8Array;
  /** Values of length-delimited fields in the order in which they came, views on the message. */
  readonly taken: readonly { readonly number: number; readonly value: Uint8Array }[];
};

/**
 * Takes fields out of a message that was scanned, so that they stay encoded while a decoder makes
 * objects of the rest.
 */
export function takeFields(bytes: Uint8Array, numbers: readonly number[]): TakenFields {
  const taken: { number: number; value: Uint8Array }[] = [];
  const kept: Uint8Array[] = [];
  const reader = new WireReader(bytes);
  let keptFrom = 0;
  for (let entry = reader.next(bytes.length); entry !== null; entry = reader.next(bytes.length)) {
    const { number, start, valueStart, end } = entry;
    if (!numbers.includes(number)) continue;
    taken.push({ number, value: bytes.subarray(valueStart, end) });
    if (start > keptFrom) kept.push(bytes.subarray(keptFrom, start));
    keptFrom = end;
  }
  if (taken.length === 0) return { rest: bytes, taken };
  if (bytes.length > keptFrom) kept.push(bytes.subarray(keptFrom));
  return { rest: Buffer.concat(kept), taken };
}
