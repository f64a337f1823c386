import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { composeFlow } from '../../../src/tracking/flow/compose.ts';
import {
  createFlowField,
  createFlowImage,
  flowGrid,
  prepareFlowImage,
} from '../../../src/tracking/flow/image.ts';
import { followObject } from '../../../src/tracking/mask/object-motion.ts';
import type { FlowEngine } from '../../../src/tracking/flow/types.ts';
import { warpSoftMask } from '../../../src/tracking/mask/warp.ts';
import { trueMask, type TrueClip } from './true-clips.ts';

/** Frames after the true mask at which IoU is taken. */
export const ages = [1, 2, 5, 10] as const;

const oldest = 10;
/** Every so many frames a true mask starts its way. */
const startInterval = 8;

/** IoU by age, mean over starts; medians of processor time in milliseconds. */
export type WarpScores = {
  /** Warped from frame to frame by the flow as it is. */
  readonly plain: number[];
  /** Warped from frame to frame by the object's own motion. */
  readonly followed: number[];
  /** Warped once from the first frame by the composed motion of the object. */
  readonly composed: number[];
  readonly flowMs: number;
  readonly followMs: number;
  readonly warpMs: number;
};

/** Carries true masks through a clip and compares them with the truth. */
export function warpedMaskIou(clip: TrueClip, engine: FlowEngine, longSide: number): WarpScores {
  const { flows, images, times } = flowsOf(clip, engine, longSide);
  const sums = { plain: zeros(), followed: zeros(), composed: zeros() };
  const counts = zeros();
  const followTimes: number[] = [];
  const warpTimes: number[] = [];
  const own = createFlowField(flows[0]!);
  for (let start = 0; start + 1 < clip.frames.length; start += startInterval) {
    const first = trueMask(clip, start);
    if (first.window === null) continue;
    let [plain, followed] = [first, first];
    let composed = createFlowField(own);
    for (let age = 1; age <= oldest && start + age < clip.frames.length; age++) {
      const flow = flows[start + age - 1]!;
      plain = warpSoftMask(plain, flow);
      const [previous, current] = [images[start + age - 1]!, images[start + age]!];
      const before = followed;
      followTimes.push(timed(() => followObject({ mask: before, flow, previous, current }, own)));
      warpTimes.push(timed(() => (followed = warpSoftMask(before, own))));
      const chained = createFlowField(own);
      composeFlow(own, composed, chained);
      composed = chained;
      const column = ages.indexOf(age as (typeof ages)[number]);
      if (column < 0) continue;
      const truth = clip.masks[start + age]!;
      sums.plain[column]! += maskIou(plain, truth);
      sums.followed[column]! += maskIou(followed, truth);
      sums.composed[column]! += maskIou(warpSoftMask(first, composed), truth);
      counts[column]!++;
    }
  }
  const mean = (values: number[]) => values.map((value, at) => value / counts[at]!);
  return {
    plain: mean(sums.plain),
    followed: mean(sums.followed),
    composed: mean(sums.composed),
    flowMs: median(times),
    followMs: median(followTimes),
    warpMs: median(warpTimes),
  };
}

/** Prepared frames of a clip, and the flow between neighbours. */
export function flowsOf(clip: TrueClip, engine: FlowEngine, longSide: number) {
  const grid = flowGrid(clip.size, longSide);
  const images = clip.frames.map((frame) => {
    const image = createFlowImage(grid);
    prepareFlowImage(frame, clip.size, image);
    return image;
  });
  const times: number[] = [];
  const flows = images.slice(1).map((current, index) => {
    const flow = createFlowField(grid);
    times.push(timed(() => engine.compute(images[index]!, current, flow)));
    return flow;
  });
  return { flows, images, times };
}

/** Middle value; NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Processor milliseconds: what a busy machine adds to wall time is not the engine's. */
export function timed(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function zeros(): number[] {
  return ages.map(() => 0);
}

/** IoU of a soft mask with a true bitmap of its size; 1 where both are empty. */
export function maskIou(mask: SoftMask, truth: Uint8Array): number {
  let either = truth.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
  let shared = 0;
  const window = mask.window ?? { x: 0, y: 0, width: 0, height: 0 };
  for (let y = 0, at = 0; y < window.height; y++) {
    const row = (window.y + y) * mask.size.width + window.x;
    for (let x = 0; x < window.width; x++, at++) {
      if (mask.values[at]! < 0.5) continue;
      if (truth[row + x] === 0) either++;
      else shared++;
    }
  }
  return either === 0 ? 1 : shared / either;
}
