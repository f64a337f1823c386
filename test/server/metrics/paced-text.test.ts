import { expect, test } from 'vitest';
import { pacedText } from '../../../src/server/metrics/paced-text.ts';

test('who asks while a text is made shares the next one, which none that asked before it began is older than', async () => {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const text = pacedText(async () => {
    begun.push(begun.length);
    const mine = String(begun.length);
    await new Promise<void>((resolve) => ends.push(resolve));
    return mine;
  }, 0);
  const first = text();
  await expect.poll(() => begun.length).toBe(1);
  const others = [text(), text(), text()];
  expect(begun).toHaveLength(1);
  ends[0]?.();
  expect(await first).toBe('1');
  await expect.poll(() => begun.length).toBe(2);
  ends[1]?.();
  expect(await Promise.all(others)).toEqual(['2', '2', '2']);
});

test('texts keep their distance', async () => {
  const beganMs: number[] = [];
  const text = pacedText(() => {
    beganMs.push(performance.now());
    return Promise.resolve('');
  }, 50);
  await text();
  await text();
  // A timer may fire a little early.
  expect((beganMs[1] ?? 0) - (beganMs[0] ?? 0)).toBeGreaterThanOrEqual(45);
});

test('one that fails is told to those who asked, and the next one is made', async () => {
  let count = 0;
  const text = pacedText(
    () => (++count === 1 ? Promise.reject(new Error('no text')) : Promise.resolve('text')),
    0,
  );
  await expect(text()).rejects.toThrow('no text');
  expect(await text()).toBe('text');
});
