import './no-telemetry.ts';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as onnxruntimeNode from 'onnxruntime-node';
import { SegmentationError } from '../../frame/errors.ts';
import { packageRoot } from '../../package-root.ts';

export type { InferenceSession, Tensor } from 'onnxruntime-node';

/** What onnxruntime-node exports. */
export type OnnxRuntime = typeof onnxruntimeNode;

/**
 * Session settings (`extra`) without the blocked layout of convolutions on the CPU (NCHWc). It is one of
 * float32, and in 1.30.0 looking for it ends the process where a graph has attention in one operator
 * (opset 23) and float16 weights.
 */
export const withoutBlockedLayout = {
  optimization: { disable_specified_optimizers: 'NchwcTransformer' },
};

let opened: OnnxRuntime | null = null;

/**
 * The only door to onnxruntime-node; its telemetry is off by the time it opens. The first call in a
 * thread loads it. Throws `model-load-failed` where this machine has none that runs.
 */
export function onnxruntime(): OnnxRuntime {
  return (opened ??= open());
}

/** A float32 tensor over `data`, which is not copied. */
export function floatTensor(data: Float32Array, dims: readonly number[]): onnxruntimeNode.Tensor {
  return new (onnxruntime().Tensor)('float32', data, dims);
}

/** A tensor of any type that a manifest may name; numbers are converted to it. */
export function tensorOf(
  type: 'float32' | 'float16' | 'int32' | 'int64' | 'uint8' | 'bool',
  values: Iterable<number>,
  dims: readonly number[],
): onnxruntimeNode.Tensor {
  const { Tensor: Made } = onnxruntime();
  switch (type) {
    case 'float32':
      return new Made(type, Float32Array.from(values), dims);
    case 'int32':
      return new Made(type, Int32Array.from(values), dims);
    case 'int64':
      return new Made(type, BigInt64Array.from(values, BigInt), dims);
    case 'uint8':
    case 'bool':
      return new Made(type, Uint8Array.from(values), dims);
    case 'float16':
      throw new Error('expected a tensor of whole numbers or float32, got float16');
  }
}

/**
 * The published package brings the library for Linux, because its own install script downloads CUDA
 * and fails the install where it cannot; a checkout and other systems have it beside us.
 */
function open(): OnnxRuntime {
  const vendored = join(packageRoot(), 'vendor/onnxruntime-node');
  const isVendored = existsSync(join(vendored, 'bin/napi-v6', process.platform, process.arch));
  try {
    const require = createRequire(import.meta.url);
    return require(isVendored ? vendored : 'onnxruntime-node') as OnnxRuntime;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem =
      code === 'MODULE_NOT_FOUND'
        ? 'got none: npm install onnxruntime-node@1.30.0'
        : `got one that does not load: ${message}`;
    throw new SegmentationError(
      'model-load-failed',
      `expected ONNX Runtime for ${process.platform} ${process.arch}, ${problem}`,
      { cause },
    );
  }
}
