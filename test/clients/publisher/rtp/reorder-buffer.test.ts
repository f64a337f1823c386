import { expect, test } from 'vitest';
import { ReorderBuffer } from '../../../../clients/publisher/rtp/reorder-buffer.ts';

function packet(sequence: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(sequence & 0xffff, 2);
  return bytes;
}

/** Numbers that are handed over for packets that come in this order, one a millisecond. */
function order(sequences: readonly number[], apartMs = 1): number[] {
  const out: number[] = [];
  const buffer = new ReorderBuffer((bytes) => out.push(bytes.readUInt16BE(2)));
  for (const [at, sequence] of sequences.entries()) buffer.push(packet(sequence), at * apartMs);
  return out;
}

test('packets that were turned round come in order, also over the end of the counter', () => {
  expect(order([5, 7, 6, 8])).toEqual([5, 6, 7, 8]);
  expect(order([0xfffe, 0x10000, 0xffff, 1])).toEqual([0xfffe, 0xffff, 0, 1]);
});

test('a packet twice, or too late, is left out', () => {
  expect(order([5, 6, 6, 5, 7])).toEqual([5, 6, 7]);
});

test('a packet that does not come is given up after 100 ms, or when 64 wait', () => {
  expect(order([1, 3, 4, 5], 40)).toEqual([1]);
  expect(order([1, 3, 4, 5, 6], 40)).toEqual([1, 3, 4, 5, 6]);
  const many = Array.from({ length: 70 }, (_, at) => at + 3);
  expect(order([1, ...many])).toEqual([1, ...many]);
});

test('after one hole the next one is waited for anew', () => {
  expect(order([1, 3, 5, 6], 60)).toEqual([1, 3]);
});
