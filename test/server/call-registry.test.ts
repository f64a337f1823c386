import { expect, test } from 'vitest';
import { Calls } from '../../src/server/call-registry.ts';
import type { SegmentationError } from '../../src/frame/errors.ts';

function registry() {
  const clock = { nowMs: 0 };
  const ended: string[] = [];
  const calls = new Calls({ maxStreams: 2, maxQuietMs: 20_000 }, () => clock.nowMs);
  const enter = (name: string) =>
    calls.enter(({ code }: SegmentationError) => ended.push(`${name}: ${code}`));
  return { clock, ended, calls, enter };
}

test('a full server refuses one more while all do work', () => {
  const { clock, ended, enter } = registry();
  const first = enter('first');
  enter('second').progress();
  clock.nowMs = 30_000;
  first.progress();
  enter('third');
  expect(ended).toEqual(['second: too-many-streams']);
  expect(() => enter('fourth')).toThrow('at most 2 streams');
});

test('a call that lost its place leaves no other one without', () => {
  const { clock, calls, enter } = registry();
  const silent = enter('silent');
  enter('other');
  clock.nowMs = 20_000;
  enter('new');
  silent[Symbol.dispose]();
  expect(calls.size).toBe(2);
});
