import { floatTensor, type Tensor } from '../engine/onnxruntime.ts';
import type { Manifest } from '../manifest.ts';
import type { Picture } from '../picture.ts';
import { fillInput } from './preprocess.ts';

/** The encoder's input: float32[1, 3, height, width]. */
export function imageTensor(picture: Picture, { preprocess }: Manifest): Tensor {
  const { width, height } = preprocess;
  const data = new Float32Array(3 * width * height);
  fillInput(picture, preprocess, data);
  return floatTensor(data, [1, 3, height, width]);
}
