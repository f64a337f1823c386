import { expect, test } from 'vitest';
import { bundledProviders, requireProvider } from '../../../src/inference/engine/provider.ts';

test('the CPU is always there', async () => {
  expect(bundledProviders()).toContain('cpu');
  await expect(requireProvider('cpu')).resolves.toBeUndefined();
});

test.each([
  ['cuda', /Failed to load shared library.*CUDA 13 and cuDNN 9 \(not CUDA 12\): docs\/gpu\.md/],
  ['tensorrt', /libonnxruntime_providers_tensorrt\.so/],
  ['abacus', /this build of the runtime knows cpu, /],
  ['', /got "": this build/],
])(
  'a provider that is absent (%s) lists what there is and how to get it',
  async (name, message) => {
    await expect(requireProvider(name)).rejects.toMatchObject({
      code: 'provider-unavailable',
      message: expect.stringMatching(/bundled: cpu/),
    });
    await expect(requireProvider(name)).rejects.toThrow(message);
  },
);
