import { onnxruntime } from './onnxruntime.ts';
import { SegmentationError } from '../../frame/errors.ts';

/** Version of ONNX Runtime. Throws `model-load-failed`. */
export function runtimeVersion(): string {
  const { node, common } = onnxruntime().env.versions;
  return node ?? common;
}

/** The execution providers that this installation brings. Throws `model-load-failed`. */
export function bundledProviders(): string[] {
  return onnxruntime()
    .listSupportedBackends()
    .filter((backend) => backend.bundled)
    .map((backend) => backend.name);
}

/**
 * A model of one operator (`y = Identity(x)`, float32[1], opset 17), as it is in a file: opening it is
 * the test of a provider.
 */
const probe = Buffer.from(
  '08083a370a100a017812017922084964656e746974791201705a0f0a0178120a0a08080112040a02' +
    '0801620f0a0179120a0a08080112040a02080142040a001011',
  'hex',
);

/** What brings a provider that the package does not. */
const howToGet: Readonly<Record<string, string>> = {
  cuda: `CUDA needs libonnxruntime_providers_cuda.so of the same version beside the runtime, CUDA 13 and cuDNN 9 (not CUDA 12): docs/gpu.md has the recipe`,
  tensorrt:
    'TensorRT needs libonnxruntime_providers_tensorrt.so of the same version beside the runtime, and TensorRT itself; untried here',
  webgpu: 'WebGPU needs a graphics driver, on Linux with Vulkan (libvulkan.so.1): docs/gpu.md',
};

/**
 * Throws `provider-unavailable` unless a session can be made with the execution provider: the
 * runtime's own list goes on saying that CUDA is absent while it works. Throws `model-load-failed`
 * where there is no runtime at all.
 */
export async function requireProvider(provider: string): Promise<void> {
  if (provider === 'cpu') return;
  const reason = await whyUnavailable(provider);
  if (reason === null) return;
  const advice = howToGet[provider];
  throw new SegmentationError(
    'provider-unavailable',
    `expected an execution provider that works here (bundled: ${bundledProviders().join(', ')}), ` +
      `got "${provider}": ${reason}${advice === undefined ? '' : `. ${advice}`}`,
  );
}

/** Null where a session can be made with the provider. */
async function whyUnavailable(provider: string): Promise<string | null> {
  const known = onnxruntime()
    .listSupportedBackends()
    .map(({ name }) => name);
  // A name that is not registered is dropped with a warning by some builds, and they go on with the CPU.
  if (!known.includes(provider)) return `this build of the runtime knows ${known.join(', ')}`;
  try {
    const session = await onnxruntime().InferenceSession.create(probe, {
      executionProviders: [provider],
      logSeverityLevel: 3,
    });
    await session.release();
    return null;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    // What follows the place in the runtime's source is the reason.
    return message
      .trim()
      .split('\n')[0]!
      .replace(/^\/.* was false\. /, '');
  }
}
