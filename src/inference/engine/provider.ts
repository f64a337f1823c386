import { onnxruntime } from './onnxruntime.ts';
import { SegmentationError } from '../../frame/errors.ts';

/**
 * Throws `provider-unavailable` unless this installation brings the execution provider. The runtime
 * itself drops an unknown name with a warning and goes on with the CPU. Throws `model-load-failed`
 * where there is no runtime at all.
 */
export function requireProvider(provider: string): void {
  const bundled = onnxruntime()
    .listSupportedBackends()
    .filter((backend) => backend.bundled);
  if (bundled.some((backend) => backend.name === provider)) return;
  const names = bundled.map((backend) => backend.name).join(', ');
  throw new SegmentationError(
    'provider-unavailable',
    `expected one of the providers ${names}, got ${provider}`,
  );
}
