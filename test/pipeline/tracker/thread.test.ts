import { expect, test } from 'vitest';
import { TrackerThread } from '../../../src/pipeline/tracker/thread.ts';

const options = {
  flowEngine: 'dis',
  flowLongSide: 64,
  maskSide: 16,
  cropSide: null,
  historyFrames: 4,
} as const;

test('a call that takes longer than it may ends its thread, by its own fault', async () => {
  const deaths: unknown[] = [];
  const onDeath = (cause: unknown) => deaths.push(cause);
  // A thread takes longer than that to start.
  const thread = new TrackerThread({ callTimeoutMs: 1, onDeath });
  const [own, other] = await Promise.allSettled([
    thread.open(1, { owner: 'one', options }),
    thread.open(2, { owner: 'one', options }),
  ]);
  for (const outcome of [own, other]) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'worker-died' } });
  }
  expect([thread.isDead, thread.lossOf(1), thread.lossOf(2)]).toEqual([true, 'own', 'others']);
  expect(deaths).toMatchObject([{ message: 'a call did not answer within 1 ms' }]);
  await thread.end();
});

test('a thread that is ended on purpose is no loss', async () => {
  const thread = new TrackerThread({ callTimeoutMs: 60_000, onDeath: () => undefined });
  await thread.open(1, { owner: 'one', options });
  await thread.end();
  expect(thread.lossOf(1)).toBe('none');
  await expect(thread.call(1, 'crops', [[]])).rejects.toMatchObject({ code: 'shutting-down' });
});

test('where owners share a thread, one with many streams does not hold up the other’s one', async () => {
  const thread = new TrackerThread({ callTimeoutMs: 60_000, onDeath: () => undefined });
  const many = Array.from({ length: 8 }, (_, i) => i + 1);
  await Promise.all(many.map((id) => thread.open(id, { owner: 'many', options })));
  await thread.open(9, { owner: 'one', options });
  const done: string[] = [];
  const ask = async (id: number, owner: string) => {
    await thread.call(id, 'crops', [[]]);
    done.push(owner);
  };
  await Promise.all([...many.flatMap((id) => [ask(id, 'many'), ask(id, 'many')]), ask(9, 'one')]);
  expect(done).toHaveLength(17);
  // Those that were with the thread already, and the turn that each had.
  expect(done.indexOf('one')).toBeLessThan(6);
  await thread.end();
});
