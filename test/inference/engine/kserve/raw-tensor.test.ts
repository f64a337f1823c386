import { expect, test } from 'vitest';
import { floatTensor, tensorOf } from '../../../../src/inference/engine/onnxruntime.ts';
import { fromRaw, toRaw } from '../../../../src/inference/engine/kserve/raw-tensor.ts';

const float = { datatype: 'FP32', dims: [2], type: 'float32' } as const;
const read = (bytes: Uint8Array, form: { datatype: 'FP32' | 'FP16' } = float) =>
  fromRaw(bytes, { ...float, ...form, dims: [2] });

test('float32 travels as it is, from any offset of a message', () => {
  const message = Buffer.concat([
    Buffer.of(7),
    toRaw(floatTensor(Float32Array.of(1.5, -3), [2]), 'FP32'),
  ]);
  const tensor = read(message.subarray(1));
  expect([tensor.type, [...tensor.dims], [...(tensor.data as Float32Array)]]).toEqual([
    'float32',
    [2],
    [1.5, -3],
  ]);
});

test('float32 travels as FP16 in half the bytes', () => {
  const bytes = toRaw(floatTensor(Float32Array.of(1.5, -3), [2]), 'FP16');
  expect(bytes.byteLength).toBe(4);
  expect([...(read(bytes, { datatype: 'FP16' }).data as Float32Array)]).toEqual([1.5, -3]);
});

test('pixels travel as bytes, rounded and clamped', () => {
  const pixels = floatTensor(Float32Array.of(-1, 0.4, 127.6, 255.2), [4]);
  expect([...toRaw(pixels, 'UINT8')]).toEqual([0, 0, 128, 255]);
});

test.each([
  ['int32', 'INT32', 8],
  ['int64', 'INT64', 16],
  ['uint8', 'UINT8', 2],
  ['bool', 'BOOL', 2],
] as const)('%s goes there and back', (type, datatype, length) => {
  const bytes = toRaw(tensorOf(type, [1, 0], [2]), datatype);
  expect(bytes.byteLength).toBe(length);
  expect(
    [...(fromRaw(bytes, { datatype, dims: [2], type }).data as Uint8Array)].map(Number),
  ).toEqual([1, 0]);
});

test('bytes that do not fit the shape, and values that are not finite, are errors', () => {
  expect(() => read(new Uint8Array(7))).toThrow('expected 8 bytes, got 7');
  const bad = Float32Array.of(Number.NaN, 1);
  expect(() => read(new Uint8Array(bad.buffer))).toThrow('expected finite values, got others');
});
