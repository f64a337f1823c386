import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { pullWithCredit } from '../../../src/pipeline/intake/pull-with-credit.ts';
import { close, CreditSource, type Closable } from '../../fixtures/credit-source.ts';
import { settled } from '../../fixtures/settled.ts';

function observe(source: CreditSource) {
  const credit$ = new Subject<void>();
  const seen: Closable[] = [];
  const ends: unknown[] = [];
  const subscription = pullWithCredit(source, credit$, close).subscribe({
    next: (item) => seen.push(item),
    error: (reason: unknown) => ends.push(reason),
    complete: () => ends.push('complete'),
  });
  return { credit$, seen, ends, subscription };
}

test('never: without credit nothing is taken, and a silent source takes nothing either', async () => {
  const source = new CreditSource().offer(3);
  const { seen, ends, credit$ } = observe(source);
  await settled();
  expect(source.made).toEqual([]);
  const silent = observe(new CreditSource());
  silent.credit$.next();
  await settled();
  expect([seen, ends, silent.seen, silent.ends]).toEqual([[], [], [], []]);
  credit$.next();
  await settled();
  expect(seen).toHaveLength(1);
});

test('empty: completes as soon as credit finds the end', async () => {
  const { credit$, seen, ends } = observe(new CreditSource().end());
  await settled();
  expect(ends).toEqual([]);
  credit$.next();
  await settled();
  expect([seen, ends]).toEqual([[], ['complete']]);
});

test('one and many: each credit takes one item, in order; credit is remembered', async () => {
  const source = new CreditSource().offer(5).end();
  const { credit$, seen, ends } = observe(source);
  credit$.next();
  await settled();
  expect(source.made).toHaveLength(1);
  // Three at once, while the first of them is being taken.
  credit$.next();
  credit$.next();
  credit$.next();
  await settled();
  expect(seen.map(({ id }) => id)).toEqual([0, 1, 2, 3]);
  expect(source.made).toHaveLength(4);
  credit$.next();
  credit$.next();
  await settled();
  expect(seen).toHaveLength(5);
  expect(ends).toEqual(['complete']);
  expect(seen.every(({ closes }) => closes === 0)).toBe(true);
});

test('credit that comes before its item waits for it', async () => {
  const source = new CreditSource();
  const { credit$, seen } = observe(source);
  credit$.next();
  credit$.next();
  await settled();
  source.offer(3);
  await settled();
  expect(seen.map(({ id }) => id)).toEqual([0, 1]);
});

test('error: what was taken stays, the error comes after it', async () => {
  const broken = new Error('broken');
  const { credit$, seen, ends } = observe(new CreditSource().offer(2).fail(broken));
  for (let i = 0; i < 3; i++) credit$.next();
  await settled();
  expect(seen).toHaveLength(2);
  expect(ends).toEqual([broken]);
});

test('early unsubscribe ends the source; an item that still comes is closed once', async () => {
  const source = new CreditSource().offer(1);
  const { credit$, seen, ends, subscription } = observe(source);
  credit$.next();
  credit$.next();
  await settled();
  expect(seen).toHaveLength(1);
  subscription.unsubscribe();
  source.offer(1);
  await settled();
  expect(source.returned).toBe(1);
  expect(source.made.map(({ closes }) => closes)).toEqual([0, 1]);
  expect([seen.length, ends]).toEqual([1, []]);
  credit$.next();
  await settled();
  expect(source.made).toHaveLength(2);
});
