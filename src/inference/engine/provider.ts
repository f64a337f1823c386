import { onnxruntime } from './onnxruntime.ts';
import { SegmentationError } from '../../frame/errors.ts';
import { deviceName, executionProviders, type Device } from './device.ts';

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
 * Throws `provider-unavailable` unless a session can be made on the device: the runtime's own list
 * goes on saying that CUDA is absent while it works. Throws `model-load-failed` where there is no
 * runtime at all.
 */
export async function requireDevice(device: Device): Promise<void> {
  if (deviceName(device) === 'cpu') return;
  const reason = await whyUnavailable(device);
  if (reason === null) return;
  const { provider, index } = device;
  // Without a number it may be there, and have fewer devices than was thought.
  const siblings = index === null ? [] : await devicesBelow(provider, index);
  const advice = siblings.length > 0 ? undefined : howToGet[provider];
  const there = [...bundledProviders(), ...siblings].join(', ');
  throw new SegmentationError(
    'provider-unavailable',
    `expected an execution provider that works here (${siblings.length > 0 ? 'found' : 'bundled'}: ${there}), ` +
      `got "${deviceName(device)}": ${reason}${advice === undefined ? '' : `. ${advice}`}`,
  );
}

/** Most devices of a provider that are looked for. */
const maxProbed = 16;

/** The devices with smaller numbers that a session can be made on. */
async function devicesBelow(provider: string, index: number): Promise<string[]> {
  const found: string[] = [];
  for (let lower = 0; lower < Math.min(index, maxProbed); lower++) {
    const device = { provider, index: lower };
    if ((await whyUnavailable(device)) !== null) break;
    found.push(deviceName(device));
  }
  return found;
}

/** Null where a session can be made on the device. */
async function whyUnavailable(device: Device): Promise<string | null> {
  const known = onnxruntime()
    .listSupportedBackends()
    .map(({ name }) => name);
  // A name that is not registered is dropped with a warning by some builds, and they go on with the CPU.
  if (!known.includes(device.provider))
    return `this build of the runtime knows ${known.join(', ')}`;
  try {
    const session = await onnxruntime().InferenceSession.create(probe, {
      executionProviders: executionProviders(device),
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
