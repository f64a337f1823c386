/** A source of random numbers in [0, 1). */
export type Random = () => number;

/** A whole number from 0 to `end` - 1. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

/** One of the values. */
export function oneOf<Value>(random: Random, values: readonly Value[]): Value {
  return values[below(random, values.length)]!;
}

/** Most mutations of one input: more leave little that a decoder gets past. */
const mostMutations = 6;

/** Numbers at which parsers go wrong. */
const edges = [0, 1, 0x7f, 0x80, 0xff];

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** What is done to bytes, one at a time. Most keep the length, so that what follows is still reached. */
const mutations: readonly Mutation[] = [
  // A bit flips.
  (bytes, random) => {
    bytes[below(random, bytes.length)]! ^= 1 << below(random, 8);
    return bytes;
  },
  // Some bytes are replaced by edges of their range.
  (bytes, random) => {
    const at = below(random, bytes.length);
    bytes.fill(oneOf(random, edges), at, Math.min(bytes.length, at + 1 + below(random, 8)));
    return bytes;
  },
  // Noise.
  (bytes, random) => {
    const at = below(random, bytes.length);
    const end = Math.min(bytes.length, at + 1 + below(random, 64));
    for (let i = at; i < end; i++) bytes[i] = below(random, 256);
    return bytes;
  },
  // A part is missing.
  (bytes, random) => {
    const at = below(random, bytes.length);
    const end = at + 1 + below(random, Math.max(1, bytes.length / 4));
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  },
  // A part comes twice.
  (bytes, random) => {
    const at = below(random, bytes.length);
    const end = at + 1 + below(random, Math.max(1, bytes.length / 4));
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  },
  // It ends early.
  (bytes, random) => bytes.subarray(0, 1 + below(random, bytes.length)),
  // It begins late.
  (bytes, random) => bytes.subarray(below(random, bytes.length)),
];

/** A copy of `input` with one to six mutations; `input` is not changed. */
export function mutate(input: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(input);
  const count = 1 + below(random, mostMutations);
  for (let i = 0; i < count && bytes.length > 0; i++)
    bytes = oneOf(random, mutations)(bytes, random);
  return bytes;
}
