import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Processor } from '../../../../bench/support/capacity/processor.ts';
import { Thread } from '../../../../bench/support/capacity/thread.ts';
import { SimulatedTime } from '../../../../bench/support/simulated-server/simulated-time.ts';

function open() {
  const time = new SimulatedTime();
  const processor = new Processor(time.timeline, 2);
  const thread = (): Thread => new Thread(processor, { weight: 1, cap: 1 });
  return { time, thread };
}

test('the order of things is that of simulated time, however long real work takes', async () => {
  const { time, thread } = open();
  const order: [string, number][] = [];
  const run = async (name: string, simulatedMs: number, realMs: number): Promise<void> => {
    await time.spend(thread(), simulatedMs, () => wait(realMs));
    order.push([name, time.timeline.nowMs]);
    await time.spend(thread(), simulatedMs, () => wait(realMs));
    order.push([name, time.timeline.nowMs]);
  };
  const all = [run('slow here', 5, 30), run('slow there', 8, 1)];
  await time.runUntil(100);
  await Promise.all(all);
  expect(order).toEqual([
    ['slow here', 5],
    ['slow there', 8],
    ['slow here', 10],
    ['slow there', 16],
  ]);
});

test('work that fails does so when its time is over', async () => {
  const { time, thread } = open();
  const failed = time
    .spend(thread(), 7, () => Promise.reject(new Error('broken')))
    .catch((reason: Error) => `${reason.message} at ${time.timeline.nowMs}`);
  await time.runUntil(100);
  expect(await failed).toBe('broken at 7');
});
