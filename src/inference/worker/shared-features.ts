import { onnxruntime, type Tensor } from '../engine/onnxruntime.ts';
import type { LayoutFeatures } from '../layouts/layout.ts';
import type { SharedFeatures, SharedTensor } from './messages.ts';

/*
 * Features on their way from the worker that encodes to one that decodes. They lie in shared memory,
 * so that the main thread passes them on without touching them; the runtime takes tensors over
 * memory of its own thread only ("Invalid argument" otherwise), hence the copy at either end.
 */

/** Copies features into shared memory. */
export function shareFeatures(features: LayoutFeatures): SharedFeatures {
  return Object.fromEntries(
    Object.entries(features).map(([meaning, { type, dims, data }]) => {
      const bytes = bytesOf(data);
      const memory = new SharedArrayBuffer(bytes.byteLength);
      new Uint8Array(memory).set(bytes);
      return [meaning, { type, dims, memory }];
    }),
  );
}

/** Copies features out of shared memory. */
export function openFeatures(shared: SharedFeatures): LayoutFeatures {
  return Object.fromEntries(
    Object.entries(shared).map(([meaning, tensor]) => [meaning, opened(tensor)]),
  );
}

function opened({ type, dims, memory }: SharedTensor): Tensor {
  const { Tensor: Made } = onnxruntime();
  const ArrayType = arrays[type as keyof typeof arrays];
  if (ArrayType === undefined) throw new Error(`features of type ${type} cannot be passed on`);
  const values = new ArrayType(memory.byteLength / ArrayType.BYTES_PER_ELEMENT);
  bytesOf(values).set(new Uint8Array(memory));
  // The runtime's types tie each name to its array; here the name is only known when it runs.
  return new Made(type as 'float32', values as Float32Array, [...dims]);
}

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

function bytesOf(values: Tensor['data']): Uint8Array {
  if (!ArrayBuffer.isView(values)) throw new Error('features of strings cannot be passed on');
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
