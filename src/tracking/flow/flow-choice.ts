import type { SoftMask } from '../../frame/soft-mask.ts';
import type { FlowField, FlowImage } from './types.ts';

/** Distance in grid pixels up to which the flow as measured is kept. */
const keepDistance = 2;
/** Flow that explains the picture by this many grey levels better than the object's is kept ... */
const explainsGrey = 4;
/** ... in full when it is better by this much more. */
const explainsSpanGrey = 10;
/** What `ObjectMotion` works on. */
export type ObjectMotionInput = {
  /** The object on the frame that `flow` leads to. */
  readonly mask: SoftMask;
  readonly flow: FlowField;
  readonly previous: FlowImage;
  readonly current: FlowImage;
};

/** Two flows of one pixel: as measured, and of the object. */
export type FlowChoice = {
  readonly x: number;
  readonly y: number;
  readonly u: number;
  readonly v: number;
  readonly pu: number;
  readonly pv: number;
  /** Squared distance of the two. */
  readonly far2: number;
  /** The measured flow comes from the mask and the object's does not. */
  readonly adds: boolean;
};

/**
 * How much of the measured flow to keep, 0..1: all of it where the two are close, or where it
 * explains the pictures clearly better.
 */
export function keptShare(input: ObjectMotionInput, choice: FlowChoice): number {
  const { x, y, u, v, pu, pv } = choice;
  const far = choice.far2 / (keepDistance * keepDistance);
  const close = 1 / (1 + far * far);
  const own = residual(input, x, y, { u, v });
  let explained = ramp(residual(input, x, y, { u: pu, v: pv }) - own);
  if (choice.adds && explained > 0) {
    // The pixel claims a part of the object. If the object's motion has carried that part to
    // another pixel, which looks like it, this one is uncovered background.
    const toX = Math.min(Math.max(Math.round(x + u - pu), 0), input.flow.width - 1);
    const toY = Math.min(Math.max(Math.round(y + v - pv), 0), input.flow.height - 1);
    explained *= ramp(residual(input, toX, toY, { u: pu, v: pv }) - own);
  }
  return close + (1 - close) * explained;
}

function ramp(betterByGrey: number): number {
  return Math.min(1, Math.max(0, (betterByGrey - explainsGrey) / explainsSpanGrey));
}

/** Probability of the mask at a point of the flow grid. */
export function probability(input: ObjectMotionInput, x: number, y: number): number {
  const { size, window, values } = input.mask;
  if (window === null) return 0;
  const column = Math.floor(((x + 0.5) * size.width) / input.flow.width) - window.x;
  const row = Math.floor(((y + 0.5) * size.height) / input.flow.height) - window.y;
  if (column < 0 || row < 0 || column >= window.width || row >= window.height) return 0;
  return values[row * window.width + column]!;
}

const crossX = [0, 2, -2, 0, 0] as const;
const crossY = [0, 0, 0, 2, -2] as const;

/** Mean grey difference that a flow leaves on a cross of five pixels around (x, y). */
function residual(
  input: ObjectMotionInput,
  x: number,
  y: number,
  { u, v }: { u: number; v: number },
): number {
  const from = input.previous.levels[0]!;
  const to = input.current.levels[0]!;
  const maxX = from.width - 1;
  const maxY = from.height - 1;
  let sum = 0;
  for (let arm = 0; arm < 5; arm++) {
    const atX = Math.min(Math.max(x + crossX[arm]!, 0), maxX);
    const atY = Math.min(Math.max(y + crossY[arm]!, 0), maxY);
    const fromX = Math.min(Math.max(atX + u, 0), maxX);
    const fromY = Math.min(Math.max(atY + v, 0), maxY);
    const left = fromX | 0;
    const top = fromY | 0;
    const fx = fromX - left;
    const i = from.origin + top * from.stride + left;
    const j = i + from.stride;
    const above = from.grey[i]! + fx * (from.grey[i + 1]! - from.grey[i]!);
    const below = from.grey[j]! + fx * (from.grey[j + 1]! - from.grey[j]!);
    const value = above + (fromY - top) * (below - above);
    sum += Math.abs(to.grey[to.origin + atY * to.stride + atX]! - value);
  }
  return sum / 5;
}
