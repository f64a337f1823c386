import { expect, test } from 'vitest';
import { ChunkSource } from '../../src/video/chunk-source.ts';
import { farProbeBytes } from '../../src/video/ffmpeg/arguments.ts';
import { KeptHead } from '../../src/video/kept-head.ts';
import { ItemSource } from '../fixtures/credit-source.ts';

const { signal: never } = new AbortController();

function open(): ChunkSource {
  return new ChunkSource(new ItemSource(() => Uint8Array.of(9)).offer(1).end(), never);
}

test('what was kept comes before what is still to come, in its order', async () => {
  const source = open();
  const head = new KeptHead(true);
  head.keep(Uint8Array.of(1));
  head.keep(Uint8Array.of(2));
  expect(head.giveBack(source)).toBe(true);
  const all = [await source.next(), await source.next(), await source.next(), await source.next()];
  expect(all).toEqual([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(9), null]);
});

test('a head that was let go, is too long, or was never wanted is not given back', async () => {
  const dropped = new KeptHead(true);
  dropped.keep(Uint8Array.of(1));
  dropped.drop();
  const long = new KeptHead(true);
  for (let i = 0; i < 5; i++) long.keep(new Uint8Array(farProbeBytes));
  const fine = new KeptHead(true);
  for (let i = 0; i < 5000; i++) fine.keep(Uint8Array.of(1));
  for (const head of [dropped, long, fine, new KeptHead(false)]) {
    const source = open();
    head.keep(Uint8Array.of(3));
    expect(head.giveBack(source)).toBe(false);
    expect(await source.next()).toEqual(Uint8Array.of(9));
  }
});
