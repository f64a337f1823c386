import { expect, test } from 'vitest';
import { readAhead } from '../../../src/pipeline/intake/read-ahead.ts';
import { close, CreditSource } from '../../fixtures/credit-source.ts';
import { settled } from '../../fixtures/settled.ts';

function ahead(source: CreditSource, depth = 2) {
  const read: number[] = [];
  const items = readAhead(source, { depth, onRead: ({ id }) => read.push(id), discard: close });
  return { items, read };
}

test('never and empty: waits for the source, ends with it', async () => {
  const source = new CreditSource();
  const { items } = ahead(source);
  const next = items.next();
  source.end();
  expect(await next).toMatchObject({ done: true });
});

test('reads no further than its depth, in order, each item once', async () => {
  const source = new CreditSource().offer(9).end();
  const { items, read } = ahead(source, 3);
  const seen = [(await items.next()).value];
  await settled();
  expect(source.made.length).toBeLessThanOrEqual(4);
  for await (const item of items) seen.push(item);
  expect(seen.map((item) => item?.id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(source.made.every(({ closes }) => closes === 0)).toBe(true);
});

test('error: what was read before comes first', async () => {
  const broken = new Error('broken');
  const { items } = ahead(new CreditSource().offer(2).fail(broken), 5);
  const first = await items.next();
  await settled();
  expect(first.value).toMatchObject({ id: 0 });
  expect((await items.next()).value).toMatchObject({ id: 1 });
  await expect(items.next()).rejects.toBe(broken);
});

test('ended early, it closes what was read and not asked for, and reads no more', async () => {
  const source = new CreditSource().offer(9);
  const { items, read } = ahead(source, 3);
  await items.next();
  await settled();
  const before = read.length;
  await items.return();
  await settled();
  expect(source.returned).toBe(1);
  expect(read.length).toBe(before);
  expect(source.made.map(({ closes }) => closes)).toEqual(
    source.made.map((_, i) => (i === 0 ? 0 : 1)),
  );
});
