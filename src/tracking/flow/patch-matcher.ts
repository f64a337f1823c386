import { flowPadding } from './flow-image.ts';
import type { FlowLevel } from './types.ts';

/** Side of a patch in pixels; the loops below are written for it. */
export const patchSide = 8;
const patchPixels = patchSide * patchSide;

/**
 * Aligns one 8 x 8 patch of the current picture in the previous one. A patch is loaded once, with
 * its gradients and Hessian, and then compared at many positions: inverse search, in which only the
 * difference changes. All differences are taken after their mean, so brightness may drift.
 */
export class PatchMatcher {
  /** What is left of the differences at the last position, per patch pixel. */
  readonly differences = new Float32Array(patchPixels);
  /** Mean of the differences at the last position. */
  meanDifference = 0;
  /** Gauss-Newton step from the last position, in pixels. */
  stepX = 0;
  stepY = 0;
  /** Smaller eigenvalue of the Hessian: near 0 on flat areas and along straight edges. */
  texture = 0;

  readonly #grey = new Float32Array(patchPixels);
  readonly #gradientX = new Float32Array(patchPixels);
  readonly #gradientY = new Float32Array(patchPixels);
  readonly #damping: number;
  #sumX = 0;
  #sumY = 0;
  #inverseXX = 0;
  #inverseXY = 0;
  #inverseYY = 0;

  /** @param damping added to the Hessian's diagonal, so that patches without texture stay put */
  constructor(damping: number) {
    this.#damping = damping;
  }

  /** Takes the patch whose top-left pixel is (x, y); the level's gradients must be ready. */
  load(level: FlowLevel, x: number, y: number): void {
    const { grey, gradientX, gradientY, stride } = level;
    let sumX = 0;
    let sumY = 0;
    let xx = 0;
    let xy = 0;
    let yy = 0;
    let to = 0;
    for (let row = 0; row < patchSide; row++) {
      const start = level.origin + (y + row) * stride + x;
      for (let at = start; at < start + patchSide; at++) {
        const gx = gradientX[at]!;
        const gy = gradientY[at]!;
        this.#grey[to] = grey[at]!;
        this.#gradientX[to] = gx;
        this.#gradientY[to] = gy;
        sumX += gx;
        sumY += gy;
        xx += gx * gx;
        xy += gx * gy;
        yy += gy * gy;
        to++;
      }
    }
    this.#sumX = sumX;
    this.#sumY = sumY;
    xx -= (sumX * sumX) / patchPixels;
    xy -= (sumX * sumY) / patchPixels;
    yy -= (sumY * sumY) / patchPixels;
    const halfTrace = 0.5 * (xx + yy);
    const spread = Math.sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy);
    this.texture = Math.max(0, halfTrace - spread);
    xx += this.#damping;
    yy += this.#damping;
    const scale = 1 / (xx * yy - xy * xy);
    this.#inverseXX = yy * scale;
    this.#inverseXY = -xy * scale;
    this.#inverseYY = xx * scale;
  }

  /**
   * Compares the patch with `level` at (x, y), clamped to where it still touches the picture.
   * Returns the sum of squared differences and sets {@link stepX} and {@link stepY}.
   */
  compare(level: FlowLevel, x: number, y: number): number {
    const grey = level.grey;
    const stride = level.stride;
    const clampedX = Math.min(Math.max(x, -flowPadding), level.width - 1);
    const clampedY = Math.min(Math.max(y, -flowPadding), level.height - 1);
    const left = Math.floor(clampedX);
    const top = Math.floor(clampedY);
    const fx = clampedX - left;
    const fy = clampedY - top;
    const w00 = (1 - fx) * (1 - fy);
    const w01 = fx * (1 - fy);
    const w10 = (1 - fx) * fy;
    const w11 = fx * fy;
    const template = this.#grey;
    const gradientX = this.#gradientX;
    const gradientY = this.#gradientY;
    let sum = 0;
    let squares = 0;
    let sumX = 0;
    let sumY = 0;
    let from = level.origin + top * stride + left;
    for (let row = 0; row < patchPixels; row += patchSide) {
      let a = grey[from]!;
      let b = grey[from + stride]!;
      for (let column = 0; column < patchSide; column++) {
        const c = grey[from + column + 1]!;
        const d = grey[from + stride + column + 1]!;
        const at = row + column;
        const difference = w00 * a + w01 * c + w10 * b + w11 * d - template[at]!;
        sum += difference;
        squares += difference * difference;
        sumX += difference * gradientX[at]!;
        sumY += difference * gradientY[at]!;
        a = c;
        b = d;
      }
      from += stride;
    }
    const mean = sum / patchPixels;
    sumX -= mean * this.#sumX;
    sumY -= mean * this.#sumY;
    this.stepX = -(this.#inverseXX * sumX + this.#inverseXY * sumY);
    this.stepY = -(this.#inverseXY * sumX + this.#inverseYY * sumY);
    return squares - sum * mean;
  }

  /** Fills {@link differences} for (x, y), less their mean. */
  difference(level: FlowLevel, x: number, y: number): void {
    const grey = level.grey;
    const stride = level.stride;
    const clampedX = Math.min(Math.max(x, -flowPadding), level.width - 1);
    const clampedY = Math.min(Math.max(y, -flowPadding), level.height - 1);
    const left = Math.floor(clampedX);
    const top = Math.floor(clampedY);
    const fx = clampedX - left;
    const fy = clampedY - top;
    const w00 = (1 - fx) * (1 - fy);
    const w01 = fx * (1 - fy);
    const w10 = (1 - fx) * fy;
    const w11 = fx * fy;
    let sum = 0;
    let from = level.origin + top * stride + left;
    for (let row = 0; row < patchPixels; row += patchSide) {
      for (let column = 0; column < patchSide; column++) {
        const i = from + column;
        const difference =
          w00 * grey[i]! +
          w01 * grey[i + 1]! +
          w10 * grey[i + stride]! +
          w11 * grey[i + stride + 1]! -
          this.#grey[row + column]!;
        this.differences[row + column] = difference;
        sum += difference;
      }
      from += stride;
    }
    this.meanDifference = sum / patchPixels;
  }
}
