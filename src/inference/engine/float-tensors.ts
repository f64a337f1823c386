import { freeMemory } from '../../frame/free-memory.ts';
import { areFiniteFloat16, fromFloat16, toFloat16 } from './float16.ts';
import { floatTensor, onnxruntime, type Tensor } from './onnxruntime.ts';

/** The values of a float32 or float16 tensor; those of float32 are not copied. */
export function floats(tensor: Tensor): Float32Array {
  if (tensor.type !== 'float16') return tensor.data as Float32Array;
  const halves = bits(tensor);
  return fromFloat16(halves, new Float32Array(halves.length));
}

/** A floating-point tensor as float32 or float16, whichever is wanted; any other as it is. */
export function inType(tensor: Tensor, wanted: string): Tensor {
  if (tensor.type === wanted) return tensor;
  if (tensor.type === 'float16' && wanted === 'float32') {
    return floatTensor(floats(tensor), tensor.dims);
  }
  if (tensor.type === 'float32' && wanted === 'float16') {
    const values = tensor.data as Float32Array;
    const halves = toFloat16(values, new Uint16Array(values.length));
    return new (onnxruntime().Tensor)('float16', halves, tensor.dims);
  }
  return tensor;
}

/** Frees the memory of tensors that nobody else has; see `freeMemory`. */
export function freeTensors(tensors: Readonly<Record<string, Tensor>>): void {
  for (const { data } of Object.values(tensors)) if (ArrayBuffer.isView(data)) freeMemory(data);
}

/** Whether a tensor holds numbers only; whole numbers and truth values always do. */
export function areFinite(tensor: Tensor): boolean {
  if (tensor.type === 'float16') return areFiniteFloat16(bits(tensor));
  return tensor.type !== 'float32' || (tensor.data as Float32Array).every(Number.isFinite);
}

/** The runtime gives Uint16Array, and Float16Array where the platform has it. */
function bits({ data }: Tensor): Uint16Array {
  const { buffer, byteOffset, length } = data as Uint16Array;
  return new Uint16Array(buffer, byteOffset, length);
}
