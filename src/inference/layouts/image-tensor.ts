import type { Size } from '../../frame/geometry.ts';
import { floatTensor, tensorOf, type Tensor } from '../engine/onnxruntime.ts';
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
  const planes = paddedPicture(picture, preprocess);
  const isLastChannel = shape.length === 3 && shape[2] === 3;
  const data = isLastChannel ? channelsLast(planes) : planes;
  const dims = isLastChannel ? [height, width, 3] : [3, height, width];
  const all = shape.length === 4 ? [1, ...dims] : dims;
  if (type === 'float32') return floatTensor(data, all);
  return tensorOf(type, data.map(Math.round), all);
}

/** Share of the encoder's input that the picture fills, from the top left corner. */
export function filledShare({ size, region }: Picture, { fit }: Manifest['preprocess']): Size {
  if (fit === 'stretch') return { width: 1, height: 1 };
  const width = size.width * region.width;
  const height = size.height * region.height;
  const longest = Math.max(width, height);
  return { width: width / longest, height: height / longest };
}

/** float32[3, height, width]: the picture, and zeros right and below where it keeps its aspect. */
function paddedPicture(picture: Picture, preprocess: Manifest['preprocess']): Float32Array {
  const { width, height } = preprocess;
  const share = filledShare(picture, preprocess);
  const inner = {
    width: Math.round(width * share.width),
    height: Math.round(height * share.height),
  };
  const filled = new Float32Array(3 * inner.width * inner.height);
  fillInput(picture, { ...preprocess, ...inner }, filled);
  if (inner.width === width && inner.height === height) return filled;
  const padded = new Float32Array(3 * width * height);
  for (let row = 0; row < 3 * inner.height; row++) {
    const channel = Math.floor(row / inner.height);
    const line = channel * height + (row % inner.height);
    padded.set(filled.subarray(row * inner.width, (row + 1) * inner.width), line * width);
  }
  return padded;
}

function channelsLast(planes: Float32Array): Float32Array {
  const plane = planes.length / 3;
  return planes.map((_, i) => planes[(i % 3) * plane + Math.floor(i / 3)]!);
}
