import type { Size } from '../../frame/geometry.ts';
import { threadKernel, type Kernel } from '../../tracking/kernel/kernel.ts';
import type { Manifest } from '../manifest.ts';
import type { Picture } from '../picture.ts';
import { axisTaps, type Taps } from './axis-taps.ts';

/** Share of the model's input that the picture fills, from the top left corner. */
export function filledShare({ size, region }: Picture, { fit }: Manifest['preprocess']): Size {
  if (fit === 'stretch') return { width: 1, height: 1 };
  const width = size.width * region.width;
  const height = size.height * region.height;
  const longest = Math.max(width, height);
  return { width: width / longest, height: height / longest };
}

/**
 * The region of a yuv420p picture (BT.601, limited range) at the model's input, which it fills
 * from the top left corner; what it leaves free is 0. In the kernel, since the same loops in
 * TypeScript took longer than the models of a GPU (model-picture.c).
 *
 * @param target the manifest's `preprocess`
 * @param order of `out`: [3, height, width], or [height, width, 3]
 * @param out written in full; bytes are rounded
 */
export function fillInput<Values extends Float32Array | Uint8Array>(
  picture: Picture,
  target: Manifest['preprocess'],
  out: Values,
  order: 'planes' | 'interleaved' = 'planes',
): Values {
  const share = filledShare(picture, target);
  const inner = {
    width: Math.round(target.width * share.width),
    height: Math.round(target.height * share.height),
  };
  const kernel = threadKernel();
  const words = Math.ceil(out.byteLength / Float32Array.BYTES_PER_ELEMENT);
  const result = kernel.take(words);
  const isFull = inner.width === target.width && inner.height === target.height;
  if (!isFull) kernel.bytes(result, out.byteLength).fill(0);
  const { width, height } = picture.size;
  kernel.call.modelPicture(
    kernel.put(picture.data),
    width,
    height,
    putTaps(kernel, pictureTaps(picture, inner)),
    putTarget(kernel, target, { order, isBytes: out instanceof Uint8Array }),
    result,
  );
  if (out instanceof Uint8Array) out.set(kernel.bytes(result, out.length));
  else out.set(kernel.floats(result, out.length));
  return out;
}

/** Across and down of luma, across and down of chroma. */
function pictureTaps({ size, region, flipped }: Picture, inner: Size): Taps[] {
  return [1, 2].flatMap((step) => [
    axisTaps(size.width / step, inner.width, {
      start: region.x,
      span: region.width,
      isReversed: flipped,
    }),
    axisTaps(size.height / step, inner.height, {
      start: region.y,
      span: region.height,
      isReversed: false,
    }),
  ]);
}

/** An array of the C struct `Taps`; returns its address. */
function putTaps(kernel: Kernel, all: readonly Taps[]): number {
  const structs = all.flatMap(({ count, start, weight }) => [
    count,
    start.length,
    kernel.put(start),
    kernel.put(weight),
  ]);
  return kernel.put(Int32Array.from(structs));
}

/** The C struct `Target`; returns its address. */
function putTarget(
  kernel: Kernel,
  target: Manifest['preprocess'],
  { order, isBytes }: { readonly order: 'planes' | 'interleaved'; readonly isBytes: boolean },
): number {
  const { width, height, mean, std } = target;
  const unit = target.range === '0-1' ? 1 / 255 : 1;
  const channels = target.colour === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  const isPlanes = order === 'planes';
  const places = channels.map((channel) => (isPlanes ? channel * width * height : channel));
  const strides = isPlanes ? [width, 1] : [3 * width, 3];
  const struct = new Int32Array(12);
  struct.set([...places, ...strides, isBytes ? 1 : 0]);
  const deviations = channels.map((channel) => std?.[channel] ?? 1);
  new Float32Array(struct.buffer, 24).set([
    ...deviations.map((deviation) => unit / deviation),
    ...channels.map((channel, i) => -(mean?.[channel] ?? 0) / deviations[i]!),
  ]);
  return kernel.put(struct);
}
