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
 * Throws `provider-unavailable` unless this installation brings the execution provider. The runtime
 * itself drops an unknown name with a warning and goes on with the CPU. Throws `model-load-failed`
 * where there is no runtime at all.
 */
export function requireProvider(provider: string): void {
  const bundled = bundledProviders();
  if (bundled.includes(provider)) return;
  const names = bundled.join(', ');
  throw new SegmentationError(
    'provider-unavailable',
    `expected one of the providers ${names}, got ${provider}`,
  );
}
