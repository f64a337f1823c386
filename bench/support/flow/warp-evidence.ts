import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { createFlowField } from '../../../src/tracking/flow/image.ts';
import { comparePictures } from '../../../src/tracking/flow/photometric.ts';
import type { FlowEngine, FlowField } from '../../../src/tracking/flow/types.ts';
import { followObject } from '../../../src/tracking/mask/object-motion.ts';
import { summariseRegion } from '../../../src/tracking/mask/region-summary.ts';
import { warpSoftMask } from '../../../src/tracking/mask/warp.ts';
import { nonRigidMotion } from '../../../src/tracking/object/non-rigid-motion.ts';
import { trueMask, type TrueClip } from './true-clips.ts';
import { flowsOf, maskIou, timed } from './warped-masks.ts';

/** What may tell how much a warped mask has lost; each is 0 where it has nothing to say. */
export const evidenceNames = [
  'age',
  'residual',
  'area change',
  'non-rigid motion',
  'forward-backward error',
  'inconsistent share',
  'inconsistent share at the edge',
] as const;

/** One warped mask: its loss (1 less the IoU with the truth), and evidence by `evidenceNames`. */
export type WarpSample = {
  readonly clip: string;
  readonly age: number;
  readonly loss: number;
  readonly evidence: readonly number[];
};

const oldest = 12;
const startInterval = 8;

/**
 * Warps true masks through a clip, frame by frame by their object's motion as the tracker does, and
 * pairs what each has lost with what could have told it, summed over the frames on the way.
 *
 * @returns the samples, and the milliseconds that the flow in the other direction took a frame
 */
export function warpEvidence(clip: TrueClip, engine: FlowEngine, longSide: number) {
  const { flows, images } = flowsOf(clip, engine, longSide);
  const times: number[] = [];
  const steps = flows.map((backward, index) => {
    const [previous, current] = [images[index]!, images[index + 1]!];
    const forward = createFlowField(backward);
    times.push(timed(() => engine.compute(current, previous, forward)));
    const residual = new Float32Array(backward.u.length);
    comparePictures(previous, current, backward, residual);
    return { backward, previous, current, residual, ...consistency(backward, forward) };
  });
  const samples: WarpSample[] = [];
  for (let start = 0; start < steps.length; start += startInterval) {
    let mask = trueMask(clip, start);
    const firstArea = area(mask);
    if (firstArea === 0) continue;
    const sums = { residual: 0, strain: 0, error: 0, share: 0, edge: 0 };
    for (let age = 1; age <= oldest && start + age <= steps.length; age++) {
      const step = steps[start + age - 1]!;
      const own = createFlowField(step.backward);
      followObject({ mask, flow: step.backward, ...step }, own);
      mask = warpSoftMask(mask, own);
      if (area(mask) === 0) break;
      const maps = [step.residual, step.error, step.inconsistent];
      const [residual, error, share] = summariseRegion(maps, step.backward, mask);
      const edge = edgeOf(mask, step.backward);
      const [atEdge] = summariseRegion([step.inconsistent], step.backward, edge);
      sums.residual += residual!.mean / 255;
      // In units of the object's size, as non-rigid motion is.
      sums.error += error!.mean / Math.sqrt(Math.max(1, error!.weight));
      sums.share += share!.mean;
      sums.edge += atEdge!.mean;
      sums.strain += nonRigidMotion(step.backward, mask);
      const areaChange = Math.abs(Math.log(area(mask) / firstArea));
      const { residual: r, strain, error: e, share: s, edge: at } = sums;
      const loss = 1 - maskIou(mask, clip.masks[start + age]!);
      samples.push({
        clip: clip.name,
        age,
        loss,
        evidence: [age, r, areaChange, strain, e, s, at],
      });
    }
  }
  return { samples, times };
}

/**
 * Length of backward(p) + forward(p + backward(p)) in grid pixels, and 1 where it is more than the
 * motion excuses (Sundaram et al., ECCV 2010): the pixel was hidden, or the flow is wrong.
 */
export function consistency(backward: FlowField, forward: FlowField) {
  const { width, height, u, v } = backward;
  const error = new Float32Array(u.length);
  const inconsistent = new Float32Array(u.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const [toX, toY] = [x + u[at]!, y + v[at]!];
      const [backX, backY] = [
        sample(forward.u, backward, toX, toY),
        sample(forward.v, backward, toX, toY),
      ];
      const square = (u[at]! + backX) ** 2 + (v[at]! + backY) ** 2;
      const motion = u[at]! ** 2 + v[at]! ** 2 + backX ** 2 + backY ** 2;
      error[at] = Math.sqrt(square);
      inconsistent[at] = square > 0.01 * motion + 0.5 ? 1 : 0;
    }
  }
  return { error, inconsistent };
}

/** Bilinear; beyond the grid the nearest edge pixel. */
function sample(map: Float32Array, { width, height }: FlowField, x: number, y: number): number {
  const inX = Math.min(Math.max(x, 0), width - 1);
  const inY = Math.min(Math.max(y, 0), height - 1);
  const [left, top] = [Math.floor(inX), Math.floor(inY)];
  const [right, down] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const [fx, fy] = [inX - left, inY - top];
  const above = map[top * width + left]! * (1 - fx) + map[top * width + right]! * fx;
  const below = map[down * width + left]! * (1 - fx) + map[down * width + right]! * fx;
  return above * (1 - fy) + below * fy;
}

/** Pixels of the whole picture within 2 pixels of the flow grid of the mask's edge. */
function edgeOf(mask: SoftMask, grid: FlowField): SoftMask {
  const { size, window, values } = mask;
  if (window === null) return mask;
  const inside = (x: number, y: number) => {
    const [column, row] = [x - window.x, y - window.y];
    if (column < 0 || row < 0 || column >= window.width || row >= window.height) return false;
    return values[row * window.width + column]! >= 0.5;
  };
  const reach = Math.round((2 * size.width) / grid.width);
  const edge = new Float32Array(size.width * size.height);
  for (let y = 0, at = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++, at++) {
      const self = inside(x, y);
      const others = [
        inside(x - reach, y),
        inside(x + reach, y),
        inside(x, y - reach),
        inside(x, y + reach),
      ];
      if (others.some((other) => other !== self)) edge[at] = 1;
    }
  }
  return { size, window: { x: 0, y: 0, ...size }, values: edge };
}

function area({ values }: SoftMask): number {
  return values.reduce((sum, value) => sum + (value >= 0.5 ? 1 : 0), 0);
}
