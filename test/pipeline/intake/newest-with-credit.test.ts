import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { newestWithCredit } from '../../../src/pipeline/intake/newest-with-credit.ts';
import { close, CreditSource, type Closable } from '../../fixtures/credit-source.ts';
import { settled } from '../../fixtures/settled.ts';

function conflate(older: Closable, newer: Closable): Closable {
  close(older);
  return newer;
}

function observe(source: CreditSource, mayWait = (_item: Closable): boolean => false) {
  const credit$ = new Subject<void>();
  const seen: Closable[] = [];
  const ends: unknown[] = [];
  const options = { mayWait, conflate, discard: close };
  const subscription = newestWithCredit(source, credit$, options).subscribe({
    next: (item) => seen.push(item),
    error: (reason: unknown) => ends.push(reason),
    complete: () => ends.push('complete'),
  });
  return { credit$, seen, ends, subscription };
}

function closesOf(source: CreditSource): number[] {
  return source.made.map(({ closes }) => closes);
}

test('never: a silent source says nothing, with or without credit', async () => {
  const { credit$, seen, ends } = observe(new CreditSource());
  credit$.next();
  await settled();
  expect([seen, ends]).toEqual([[], []]);
});

test('empty: completes without any credit', async () => {
  const { seen, ends } = observe(new CreditSource().end());
  await settled();
  expect([seen, ends]).toEqual([[], ['complete']]);
});

test('one: waits for credit, and the end waits for it', async () => {
  const { credit$, seen, ends } = observe(new CreditSource().offer(1).end());
  await settled();
  expect([seen, ends]).toEqual([[], []]);
  credit$.next();
  expect(seen).toHaveLength(1);
  expect(ends).toEqual(['complete']);
});

test('many: the source is drained, one item waits, the conflated ones are closed once', async () => {
  const source = new CreditSource().offer(5);
  const { credit$, seen } = observe(source);
  await settled();
  expect(source.made).toHaveLength(5);
  expect(closesOf(source)).toEqual([1, 1, 1, 1, 0]);
  credit$.next();
  expect(seen.map(({ id }) => id)).toEqual([4]);
  source.offer(2);
  await settled();
  expect(closesOf(source)).toEqual([1, 1, 1, 1, 0, 1, 0]);
  credit$.next();
  expect(seen.map(({ id }) => id)).toEqual([4, 6]);
});

test('three that are young wait in order; a fourth takes the place of all', async () => {
  const source = new CreditSource().offer(3);
  const { credit$, seen } = observe(source, () => true);
  await settled();
  for (let i = 0; i < 3; i++) credit$.next();
  expect(seen.map(({ id }) => id)).toEqual([0, 1, 2]);
  source.offer(4);
  await settled();
  expect(closesOf(source)).toEqual([0, 0, 0, 1, 1, 1, 0]);
  credit$.next();
  expect(seen.map(({ id }) => id)).toEqual([0, 1, 2, 6]);
});

test('the oldest is asked whether it may wait, when a newer one comes', async () => {
  const source = new CreditSource().offer(1);
  const asked: number[] = [];
  const { credit$, seen } = observe(source, ({ id }) => {
    asked.push(id);
    return id !== 1;
  });
  await settled();
  expect(asked).toEqual([]);
  source.offer(1);
  await settled();
  credit$.next();
  source.offer(1);
  await settled();
  expect(asked).toEqual([0, 1]);
  expect(closesOf(source)).toEqual([0, 1, 0]);
  credit$.next();
  expect(seen.map(({ id }) => id)).toEqual([0, 2]);
});

test('two that wait are both discarded, and both handed out before the end', async () => {
  const left = observe(new CreditSource().offer(2), () => true);
  const source = new CreditSource().offer(2);
  const unread = observe(source, () => true);
  await settled();
  unread.subscription.unsubscribe();
  expect(closesOf(source)).toEqual([1, 1]);
  left.credit$.next();
  left.credit$.next();
  expect(left.seen.map(({ id }) => id)).toEqual([0, 1]);
});

test('credit that waits lets the next item pass at once', async () => {
  const source = new CreditSource();
  const { credit$, seen } = observe(source);
  credit$.next();
  credit$.next();
  source.offer(3);
  await settled();
  expect(seen.map(({ id }) => id)).toEqual([0, 1]);
  expect(closesOf(source)).toEqual([0, 0, 0]);
});

test('error: the item that waits is still handed out, then the error comes', async () => {
  const broken = new Error('broken');
  const source = new CreditSource().offer(3).fail(broken);
  const { credit$, seen, ends } = observe(source);
  await settled();
  expect(ends).toEqual([]);
  credit$.next();
  expect(seen.map(({ id }) => id)).toEqual([2]);
  expect(ends).toEqual([broken]);
  expect(closesOf(source)).toEqual([1, 1, 0]);
});

test('early unsubscribe closes what waits and what still comes, once', async () => {
  const source = new CreditSource().offer(2);
  const { seen, ends, subscription } = observe(source);
  await settled();
  subscription.unsubscribe();
  source.offer(2);
  await settled();
  expect(source.returned).toBe(1);
  expect(source.made).toHaveLength(3);
  expect(closesOf(source)).toEqual([1, 1, 1]);
  expect([seen, ends]).toEqual([[], []]);
});
