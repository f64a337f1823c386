import { freeTensors } from '../engine/float-tensors.ts';
import type { Tensors } from '../engine/graph.ts';
import type { GraphPort } from '../engine/graph-port.ts';
import { floatTensor, onnxruntime, tensorOf, type Tensor } from '../engine/onnxruntime.ts';
import type { Manifest, TensorManifest } from '../manifest.ts';
import type { Picture } from '../picture.ts';
import { fillInput } from './preprocess.ts';

/** The encoder's input, in the order of axes and the type that the manifest says. */
export function imageTensor(
  picture: Picture,
  { preprocess }: Pick<Manifest, 'preprocess'>,
  { shape, type }: Pick<TensorManifest, 'shape' | 'type'>,
): Tensor {
  const { width, height } = preprocess;
  const isLastChannel = shape.length === 3 && shape[2] === 3;
  const order = isLastChannel ? 'interleaved' : 'planes';
  const dims = isLastChannel ? [height, width, 3] : [3, height, width];
  const all = shape.length === 4 ? [1, ...dims] : dims;
  const count = 3 * width * height;
  if (type === 'uint8') {
    const bytes = fillInput(picture, preprocess, new Uint8Array(count), order);
    return new (onnxruntime().Tensor)(type, bytes, all);
  }
  const values = fillInput(picture, preprocess, new Float32Array(count), order);
  // A graph that takes float16 gets it from these as any other tensor.
  return type === 'float32' || type === 'float16'
    ? floatTensor(values, all)
    : tensorOf(type, values.map(Math.round), all);
}

/** Runs an encoder, whose only input is the picture, and frees that input. */
export async function encodePicture(
  encoder: GraphPort,
  picture: Picture,
  manifest: Pick<Manifest, 'preprocess'>,
): Promise<Tensors> {
  const image = imageTensor(picture, manifest, encoder.inputOf('image')!);
  const features = await encoder.run({ image });
  freeTensors({ image });
  return features;
}
