import { expect, test } from 'vitest';
import { deviceName, parseDevice } from '../../../src/inference/engine/device.ts';

test.each(['cpu', 'webgpu', 'cuda', 'cuda:0', 'cuda:12', 'tensorrt:1', 'dml:2'])(
  '%s is a device, and is called so',
  (name) => {
    const device = parseDevice(name);
    expect(typeof device === 'string' ? device : deviceName(device)).toBe(name);
  },
);

test.each([
  ['cpu:1', 'expected a number only behind cuda, tensorrt, dml, got "cpu:1"'],
  ['webgpu:0', 'expected a number only behind cuda, tensorrt, dml, got "webgpu:0"'],
  ['cuda:', 'expected a device such as cpu or cuda:1, got "cuda:"'],
  ['CUDA', 'expected a device such as cpu or cuda:1, got "CUDA"'],
  ['', 'expected a device such as cpu or cuda:1, got ""'],
])('%s is none, and why', (name, reason) => {
  expect(parseDevice(name)).toBe(reason);
});
