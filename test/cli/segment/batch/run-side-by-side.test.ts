import { expect, test } from 'vitest';
import { runSideBySide } from '../../../../src/cli/segment/batch/run-side-by-side.ts';
import { deferred } from '../../../../clients/typescript/deferred.ts';

test('no more than so many at a time, in order, and all of them', async () => {
  const gates = [0, 1, 2, 3].map(() => deferred<undefined>());
  const begun: number[] = [];
  const running = runSideBySide(
    [0, 1, 2, 3],
    async (item) => {
      begun.push(item);
      await gates[item]?.promise;
    },
    { jobs: 2, stopOthers: () => undefined },
  );
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve(undefined);
  await gates[1]?.promise;
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve(undefined);
  await running;
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('the first failure stops the others, and comes when they have ended', async () => {
  const other = deferred<undefined>();
  const begun: string[] = [];
  let otherEnded = false;
  const running = runSideBySide(
    ['fails', 'other', 'never'],
    async (item) => {
      begun.push(item);
      if (item === 'fails') throw new Error('first');
      await other.promise;
      otherEnded = true;
      throw new Error('second');
    },
    { jobs: 2, stopOthers: () => other.resolve(undefined) },
  );
  await expect(running).rejects.toThrow('first');
  expect(otherEnded).toBe(true);
  expect(begun).toEqual(['fails', 'other']);
});

test('nothing to do is done', async () => {
  const options = { jobs: 3, stopOthers: () => undefined };
  await expect(runSideBySide([], async () => {}, options)).resolves.toBeUndefined();
});
