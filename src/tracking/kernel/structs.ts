import type { SoftMask } from '../../frame/soft-mask.ts';
import type { Kernel } from './kernel.ts';

/** Backward flow on a grid, row-major; see `FlowField` of the flow room. */
type FlowArrays = {
  readonly width: number;
  readonly height: number;
  readonly u: Float32Array;
  readonly v: Float32Array;
};

/** Rows of grey values with a border; see `FlowLevel` of the flow room. */
type GreyPlane = {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly origin: number;
  readonly grey: Float32Array;
};

/** Lays masks out as an array of the C struct `Mask`; returns its address. Empty ones have an empty window. */
export function putMasks(kernel: Kernel, masks: readonly SoftMask[]): number {
  const structs = masks.flatMap(({ values, window, size }) => {
    const { x, y, width, height } = window ?? { x: 0, y: 0, width: 0, height: 0 };
    return [kernel.put(values), x, y, width, height, size.width, size.height];
  });
  return kernel.put(Int32Array.from(structs));
}

/** Lays a mask out as the C struct `Mask`; returns its address. */
export function putMask(kernel: Kernel, mask: SoftMask): number {
  return putMasks(kernel, [mask]);
}

/** Lays a flow field out as the C struct `Flow`; returns its address. */
export function putFlow(kernel: Kernel, { u, v, width, height }: FlowArrays): number {
  return kernel.put(Int32Array.of(kernel.put(u), kernel.put(v), width, height));
}

/** Copies a flow field that `putFlow` laid out back. */
export function readFlow(kernel: Kernel, address: number, out: FlowArrays): void {
  const [u = 0, v = 0] = kernel.ints(address, 2);
  out.u.set(kernel.floats(u, out.u.length));
  out.v.set(kernel.floats(v, out.v.length));
}

/** Lays a level of a picture out as the C struct `Grey`; returns its address. */
export function putGrey(kernel: Kernel, plane: GreyPlane): number {
  const { grey, origin, stride, width, height } = plane;
  const address = kernel.put(grey) + origin * Float32Array.BYTES_PER_ELEMENT;
  return kernel.put(Int32Array.of(address, stride, width, height));
}
