import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/inference/manifest-loader.ts';
import type { Manifest } from '../../src/inference/manifest.ts';
import {
  describePlan,
  devicesByRole,
  parsePlacement,
  planWorkers,
  providerDevice,
} from '../../src/inference/placement.ts';
import { type ModelFolder, writeSmallModel } from '../fixtures/small-models.ts';
import { type ToyFolder, writeToyModel } from '../fixtures/toy-model.ts';

let toyFolder: ToyFolder;
let samFolder: ModelFolder;
let toy: Manifest;
let sam: Manifest;

beforeAll(async () => {
  toyFolder = await writeToyModel();
  samFolder = await writeSmallModel('sam2');
  toy = await loadManifest(toyFolder.directory);
  sam = await loadManifest(samFolder.directory);
});

afterAll(async () => {
  await toyFolder[Symbol.asyncDispose]();
  await samFolder[Symbol.asyncDispose]();
});

const cuda = providerDevice('cuda');
const plan = (manifest: Manifest, text: string) =>
  planWorkers(manifest, { provider: cuda, placement: parsePlacement(text) });

describe('a placement that cannot be read says what was expected', () => {
  test.each([
    ['encoder', 'expected PART=DEVICE with a part of encoder, decoder, memory, text, refiner'],
    ['', 'got ""'],
    ['head=cpu', 'got "head=cpu"'],
    ['toString=cpu', 'got "toString=cpu"'],
    ['encoder=cpu,encoder=cuda', 'encoder stands there twice'],
    ['encoder=cuda:x', 'encoder: expected a device such as cpu or cuda:1, got "cuda:x"'],
    ['encoder=cpu:1', 'expected a number only behind cuda, tensorrt, dml, got "cpu:1"'],
    ['encoder=cuda*0', 'expected a number of workers behind *, got "0"'],
    ['encoder=cuda:0*40+cuda:1*40', 'expected at most 64 workers, got 80'],
  ])('%s', (text, message) => {
    expect(() => parsePlacement(text)).toThrow(message);
    expect(() => parsePlacement(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

test('encoder and decoder share a worker until one of them is placed', () => {
  const whole = planWorkers(toy, { provider: cuda });
  expect(whole.decoder).toBeNull();
  expect(whole.encoder.map(({ roles }) => roles)).toEqual([['encoder', 'decoder', 'text']]);
  expect(describePlan(whole)).toBe('cuda');

  const apart = plan(toy, 'encoder=cuda:0*2+cuda:1, decoder=cpu');
  expect(apart.encoder).toHaveLength(3);
  expect(apart.decoder!.map(({ roles }) => roles)).toEqual([['decoder', 'text']]);
  expect(describePlan(apart)).toBe('encoder cuda:0*2+cuda:1, decoder cpu, text cpu, refiner cuda');
});

test('memory goes with the decoder, on a device of its own where it is told so', () => {
  const memory = (text: string) =>
    devicesByRole(plan(sam, text))
      .get('memoryAttention')
      ?.map(({ index }) => index);
  expect(memory('decoder=cuda:1+cuda:2')).toEqual([1, 2]);
  expect(memory('decoder=cuda:1+cuda:2,memory=cuda:0')).toEqual([0, 0]);
  expect(memory('decoder=cuda:1+cuda:2,memory=cuda:2+cuda:1')).toEqual([2, 1]);
  expect(memory('memory=cuda:3')).toEqual([3]);
  expect(plan(sam, 'memory=cuda:3').decoder).toBeNull();
  expect(() => memory('decoder=cpu*3,memory=cuda:0*2')).toThrow(
    "memory runs in the decoder's workers: expected 1 device or 3, got 2",
  );
});

test('a part that the model lacks is an error that says which it has', () => {
  expect(() => plan(toy, 'memory=cpu')).toThrow(
    'expected parts of toy (encoder, decoder, text, refiner), got memory',
  );
  expect(() => plan(sam, 'refiner=cpu')).toThrow('(encoder, decoder, memory), got refiner');
});
