import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cpu } from '../../../src/inference/engine/device.ts';
import { countNodePlaces } from '../../../src/inference/engine/node-places.ts';
import { writeToyModel } from '../../fixtures/toy-model.ts';

test('every operator of a graph is counted where it ran', async () => {
  await using folder = await writeToyModel();
  const places = await countNodePlaces(join(folder.directory, 'decoder.onnx'), cpu);
  expect(Object.keys(places)).toEqual(['CPUExecutionProvider']);
  expect(places['CPUExecutionProvider']).toBeGreaterThan(8);
});

test('a graph that does not open on the provider says so', async () => {
  await using folder = await writeToyModel();
  const path = join(folder.directory, 'encoder.onnx');
  await expect(countNodePlaces(path, { provider: 'cuda', index: null })).rejects.toMatchObject({
    code: 'provider-unavailable',
    message: expect.stringContaining('encoder.onnx'),
  });
  await writeFile(path, 'hello');
  await expect(countNodePlaces(path, cpu)).rejects.toMatchObject({
    code: 'provider-unavailable',
  });
});
