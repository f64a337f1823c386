import { expect, test } from 'vitest';
import { cpu } from '../../../src/inference/engine/device.ts';
import { loadModel } from '../../../src/inference/index.ts';
import { writeToyModel } from '../../fixtures/toy-model.ts';

test('a dozen threads are no leak of listeners, and leave none behind', async () => {
  const warned: string[] = [];
  const onWarning = ({ name }: Error): number => warned.push(name);
  process.on('warning', onWarning);
  const before = [process.listenerCount('exit'), process.getMaxListeners()];
  {
    await using folder = await writeToyModel();
    await using model = await loadModel({
      directory: folder.directory,
      placement: { encoder: Array.from({ length: 12 }, () => cpu) },
      threads: 1,
      signal: new AbortController().signal,
    });
    expect(process.listenerCount('exit')).toBeGreaterThan(before[0]! + 11);
    expect(model.keyframesAtATime()).toBe(12);
  }
  process.off('warning', onWarning);
  expect(warned).not.toContain('MaxListenersExceededWarning');
  expect([process.listenerCount('exit'), process.getMaxListeners()]).toEqual(before);
});
