import { expect, test } from 'vitest';
import { providerDevice } from '../../../src/inference/placement.ts';
import { bundledProviders, requireDevice } from '../../../src/inference/engine/provider.ts';
import { quietRuntime } from '../../fixtures/quiet-runtime.ts';

await quietRuntime();

test('the CPU is always there', async () => {
  expect(bundledProviders()).toContain('cpu');
  await expect(requireDevice(providerDevice('cpu'))).resolves.toBeUndefined();
});

test.each([
  ['cuda', /Failed to load shared library.*CUDA 13 and cuDNN 9 \(not CUDA 12\): docs\/gpu\.md/],
  ['tensorrt', /libonnxruntime_providers_tensorrt\.so/],
  ['abacus', /this build of the runtime knows cpu, /],
  ['', /got "": this build/],
  ['cuda:1', /got "cuda:1": .*docs\/gpu\.md/],
  ['cpu:1', /got "cpu:1": this build of the runtime knows cpu, /],
])(
  'a provider that is absent (%s) lists what there is and how to get it',
  async (name, message) => {
    await expect(requireDevice(providerDevice(name))).rejects.toMatchObject({
      code: 'provider-unavailable',
      message: expect.stringMatching(/bundled: cpu/),
    });
    await expect(requireDevice(providerDevice(name))).rejects.toThrow(message);
  },
);
