import { assertNever } from '../../../frame/errors.ts';
import type { TensorManifest } from '../../manifest.ts';
import { areFinite, inType } from '../float-tensors.ts';
import { onnxruntime, type Tensor } from '../onnxruntime.ts';

/** Names of types on the wire. */
export const datatypes = {
  float32: 'FP32',
  float16: 'FP16',
  int32: 'INT32',
  int64: 'INT64',
  uint8: 'UINT8',
  bool: 'BOOL',
} as const satisfies Record<TensorManifest['type'], string>;

/** A type on the wire. */
export type Datatype = (typeof datatypes)[TensorManifest['type']];

/** Bytes of one value. */
const sizes: Record<Datatype, number> = {
  FP32: 4,
  FP16: 2,
  INT32: 4,
  INT64: 8,
  UINT8: 1,
  BOOL: 1,
};

/** The values of a tensor as they are sent: floats as FP32, FP16 or, rounded, as UINT8 if asked. */
export function toRaw(tensor: Tensor, datatype: Datatype): Uint8Array {
  if (datatype === 'FP16') return bytesOf(inType(tensor, 'float16').data);
  if (datatype === 'FP32') return bytesOf(inType(tensor, 'float32').data);
  if (datatype === 'UINT8' && tensor.type === 'float32') {
    // Clamped and rounded by the array itself.
    return bytesOf(new Uint8ClampedArray(tensor.data as Float32Array));
  }
  return bytesOf(tensor.data);
}

/**
 * A tensor of the manifest's type from the values that came. Throws an error that says what was
 * expected where their number is not that of the shape, or where one is not finite.
 */
export function fromRaw(
  bytes: Uint8Array,
  { datatype, dims, type }: { datatype: Datatype; dims: number[]; type: TensorManifest['type'] },
): Tensor {
  const length = dims.reduce((product, side) => product * side, 1);
  const wanted = length * sizes[datatype];
  if (bytes.byteLength !== wanted) {
    throw new Error(`expected ${wanted} bytes, got ${bytes.byteLength}`);
  }
  // A copy: what came is a part of the message, at any offset. (`slice` of a Buffer makes none.)
  const tensor = tensorOver(new Uint8Array(bytes).buffer, datatype, dims);
  if (!areFinite(tensor)) throw new Error('expected finite values, got others');
  return inType(tensor, type);
}

function tensorOver(buffer: ArrayBuffer, datatype: Datatype, dims: number[]): Tensor {
  const { Tensor: Made } = onnxruntime();
  switch (datatype) {
    case 'FP32':
      return new Made('float32', new Float32Array(buffer), dims);
    case 'FP16':
      return new Made('float16', new Uint16Array(buffer), dims);
    case 'INT32':
      return new Made('int32', new Int32Array(buffer), dims);
    case 'INT64':
      return new Made('int64', new BigInt64Array(buffer), dims);
    case 'UINT8':
      return new Made('uint8', new Uint8Array(buffer), dims);
    case 'BOOL':
      return new Made('bool', new Uint8Array(buffer), dims);
    default:
      return assertNever(datatype);
  }
}

function bytesOf(data: Tensor['data'] | Uint8ClampedArray): Uint8Array {
  if (!ArrayBuffer.isView(data)) throw new Error('strings cannot be sent');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
