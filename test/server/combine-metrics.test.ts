import { expect, test } from 'vitest';
import { combineMetrics } from '../../src/server/combine-metrics.ts';
import { type ServerMetrics, silentMetrics } from '../../src/server/server-metrics.ts';

test('each is told everything', () => {
  const heard: [number, string, unknown][] = [];
  const names = Object.keys(silentMetrics) as (keyof ServerMetrics)[];
  const listener = (number: number) =>
    Object.fromEntries(
      names.map((name) => [name, (first: unknown) => void heard.push([number, name, first])]),
    ) as unknown as ServerMetrics;
  const both = combineMetrics([listener(1), listener(2)]);
  expect(Object.keys(both).toSorted()).toEqual(names.toSorted());
  for (const name of names) (both[name] as (first: unknown) => void)(`of ${name}`);
  expect(heard).toEqual(
    names.flatMap((name) => [
      [1, name, `of ${name}`],
      [2, name, `of ${name}`],
    ]),
  );
});
