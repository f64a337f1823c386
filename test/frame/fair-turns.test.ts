import { expect, test } from 'vitest';
import { FairTurns } from '../../src/frame/fair-turns.ts';

test('nobody waits, nobody has a turn', () => {
  expect(new FairTurns<string>().next([])).toBeUndefined();
});

test('of equals the first one', () => {
  expect(new FairTurns<string>().next(['b', 'a'])).toBe('b');
});

/** How much time each owner got of `turns`, all of them always waiting. */
function share(costs: Readonly<Record<string, number>>, turns: number): Record<string, number> {
  const fair = new FairTurns<string>();
  const used: Record<string, number> = {};
  for (let i = 0; i < turns; i++) {
    const owner = fair.next(Object.keys(costs))!;
    fair.spend(owner, costs[owner]!);
    used[owner] = (used[owner] ?? 0) + costs[owner]!;
  }
  return used;
}

test('owners get the same time, however long one of their turns is', () => {
  const { short = 0, long = 0 } = share({ short: 5, long: 50 }, 1100);
  expect(long / short).toBeCloseTo(1, 1);
});

test('whoever was away saved nothing up', () => {
  const fair = new FairTurns<string>();
  for (let i = 0; i < 100; i++) fair.spend(fair.next(['busy'])!, 10);
  const order: string[] = [];
  for (let i = 0; i < 6; i++) {
    const owner = fair.next(['busy', 'back'])!;
    fair.spend(owner, 10);
    order.push(owner);
  }
  expect(order.filter((owner) => owner === 'back')).toHaveLength(3);
});

test('names that come and go are forgotten', () => {
  const fair = new FairTurns<number>();
  for (let name = 0; name < 10_000; name++) {
    expect(fair.next([name])).toBe(name);
    fair.spend(name, 1);
  }
  expect(fair.next([0])).toBe(0);
});
