import type { SoftMask } from '../../frame/soft-mask.ts';
import { boxSum } from './box-sum.ts';
import { keptShare, probability, type ObjectMotionInput } from './flow-choice.ts';
import type { FlowField } from './types.ts';

/** Side of a cell in grid pixels: motion is pooled on a grid of a quarter of the size. */
const cellSide = 4;
/** Middle of a cell, in pixels from its first. */
const cellMiddle = 1.5;
/** Reach of the two poolings in cells: the wide one bridges holes, the narrow one follows limbs. */
const wideRadius = 6;
const narrowRadius = 2;
/** Rounds in which outliers are found; the first is still biased by them. */
const robustRounds = 3;
/** Distance from the pooled motion, in grid pixels, at which a pixel is taken for background. */
const outlierDistance = 1.5;
/** Share of a pooling window that must be object before it outweighs the wider one. */
const trust = 0.02;
/** Difference in probability below which it does not matter which of two flows is right. */
const sameProbability = 0.05;

/**
 * Continues an object's own motion beyond its edge. Around a moving object the flow of the
 * background is of little use for carrying its mask: uncovered background has no origin, matches
 * the object instead, and leaves a smear. So the flow of pixels that come from the mask is pooled
 * (normalised convolution, Knutsson and Westin, CVPR 1993, outliers weighed down in a second
 * round) and stands in where the flow differs from it and explains the pictures no better. Keeps
 * scratch memory: one per thread.
 */
export class ObjectMotion {
  #columns = 0;
  #rows = 0;
  /** Share of the mask in each cell's origin, before and after outliers are weighed down. */
  #origin = new Float32Array(0);
  #weight = new Float32Array(0);
  #u = new Float32Array(0);
  #v = new Float32Array(0);
  #pooledU = new Float32Array(0);
  #pooledV = new Float32Array(0);
  #sums: [Float32Array, Float32Array, Float32Array, Float32Array] = [
    this.#u,
    this.#u,
    this.#u,
    this.#u,
  ];

  /** Fills `out` with the backward flow to warp this object's mask with; may be the input's flow. */
  follow(input: ObjectMotionInput, out: FlowField): void {
    const { mask, flow } = input;
    if (out !== flow) {
      out.u.set(flow.u);
      out.v.set(flow.v);
    }
    const region = this.#measure(mask, flow);
    if (region === null) return;
    const { columns, rows } = region;
    this.#columns = columns;
    this.#rows = rows;
    const cells = columns * rows;
    this.#origin.set(this.#weight.subarray(0, cells));
    for (let round = 0; round < robustRounds; round++) {
      this.#startPools(cells);
      this.#pool(wideRadius);
      this.#weighOutliers(cells);
    }
    this.#startPools(cells);
    this.#pool(wideRadius);
    this.#pool(narrowRadius);
    this.#write(input, out, region);
  }

  #startPools(cells: number): void {
    this.#pooledU.set(this.#u.subarray(0, cells));
    this.#pooledV.set(this.#v.subarray(0, cells));
  }

  /** Sets the weights anew: low for cells that move unlike the pooled motion. */
  #weighOutliers(cells: number): void {
    for (let at = 0; at < cells; at++) {
      const far = this.#distance2(at) / (outlierDistance * outlierDistance);
      this.#weight[at] = this.#origin[at]! / (1 + far * far);
    }
  }

  #distance2(at: number): number {
    const du = this.#u[at]! - this.#pooledU[at]!;
    const dv = this.#v[at]! - this.#pooledV[at]!;
    return du * du + dv * dv;
  }

  /** Reads flow and origin of every cell near the object; null where nothing comes from the mask. */
  #measure(mask: SoftMask, flow: FlowField): Region | null {
    if (mask.window === null) return null;
    const all = {
      x: 0,
      y: 0,
      columns: Math.ceil(flow.width / cellSide),
      rows: Math.ceil(flow.height / cellSide),
    };
    this.#reserve(all.columns * all.rows);
    const bounds = this.#originsInside(mask, flow, all);
    if (bounds === null) return null;
    const x = Math.max(0, bounds.left - wideRadius);
    const y = Math.max(0, bounds.top - wideRadius);
    const region = {
      x,
      y,
      columns: Math.min(all.columns, bounds.right + wideRadius + 1) - x,
      rows: Math.min(all.rows, bounds.bottom + wideRadius + 1) - y,
    };
    for (const map of [this.#weight, this.#u, this.#v]) {
      for (let row = 0; row < region.rows; row++) {
        const from = (region.y + row) * all.columns + region.x;
        map.copyWithin(row * region.columns, from, from + region.columns);
      }
    }
    return region;
  }

  /** Fills the maps for the whole grid and returns the bounds of the cells that come from the mask. */
  #originsInside(mask: SoftMask, flow: FlowField, all: Region): Bounds | null {
    const window = mask.window!;
    const scaleX = mask.size.width / flow.width;
    const scaleY = mask.size.height / flow.height;
    const bounds = { left: all.columns, right: -1, top: all.rows, bottom: -1 };
    for (let row = 0, at = 0; row < all.rows; row++) {
      const y0 = Math.min(row * cellSide + 1, flow.height - 1);
      const below = y0 + 1 < flow.height ? flow.width : 0;
      for (let column = 0; column < all.columns; column++, at++) {
        const x0 = Math.min(column * cellSide + 1, flow.width - 1);
        const i = y0 * flow.width + x0;
        const right = x0 + 1 < flow.width ? 1 : 0;
        const j = i + below;
        const u = 0.25 * (flow.u[i]! + flow.u[i + right]! + flow.u[j]! + flow.u[j + right]!);
        const v = 0.25 * (flow.v[i]! + flow.v[i + right]! + flow.v[j]! + flow.v[j + right]!);
        this.#u[at] = u;
        this.#v[at] = v;
        const fromX = Math.min(Math.max(x0 + 0.5 + u, 0), flow.width - 1);
        const fromY = Math.min(Math.max(y0 + 0.5 + v, 0), flow.height - 1);
        const x = Math.floor((fromX + 0.5) * scaleX) - window.x;
        const y = Math.floor((fromY + 0.5) * scaleY) - window.y;
        const inside = x >= 0 && y >= 0 && x < window.width && y < window.height;
        const weight = inside ? mask.values[y * window.width + x]! : 0;
        this.#weight[at] = weight;
        if (weight < 0.5) continue;
        if (column < bounds.left) bounds.left = column;
        if (column > bounds.right) bounds.right = column;
        if (row < bounds.top) bounds.top = row;
        bounds.bottom = row;
      }
    }
    return bounds.right < 0 ? null : bounds;
  }

  /** Replaces the pooled motion by that of the weighted cells within `radius`, as far as there are any. */
  #pool(radius: number): void {
    const size = { width: this.#columns, height: this.#rows };
    const cells = size.width * size.height;
    const [sumW, sumU, sumV, scratch] = this.#sums;
    for (let at = 0; at < cells; at++) {
      const weight = this.#weight[at]!;
      sumW[at] = weight;
      sumU[at] = weight * this.#u[at]!;
      sumV[at] = weight * this.#v[at]!;
    }
    boxSum(sumW, scratch, size, radius);
    boxSum(sumU, scratch, size, radius);
    boxSum(sumV, scratch, size, radius);
    const side = 2 * radius + 1;
    const floor = trust * side * side;
    for (let at = 0; at < cells; at++) {
      const weight = sumW[at]!;
      if (weight < 1e-3) continue;
      const share = (weight * weight) / (weight * weight + floor * floor);
      const u = this.#pooledU[at]!;
      const v = this.#pooledV[at]!;
      this.#pooledU[at] = u + share * (sumU[at]! / weight - u);
      this.#pooledV[at] = v + share * (sumV[at]! / weight - v);
    }
  }

  /** Puts the pooled motion where the flow differs from it, changes the mask and explains no more. */
  #write(input: ObjectMotionInput, out: FlowField, region: Region): void {
    const lastColumn = region.columns - 1;
    const lastRow = region.rows - 1;
    const x1 = Math.min(out.width, (region.x + region.columns) * cellSide);
    const y1 = Math.min(out.height, (region.y + region.rows) * cellSide);
    const { u, v } = out;
    const pooledU = this.#pooledU;
    const pooledV = this.#pooledV;
    for (let y = region.y * cellSide; y < y1; y++) {
      const cellY = Math.min(Math.max((y - cellMiddle) / cellSide - region.y, 0), lastRow);
      const top = cellY | 0;
      const fy = cellY - top;
      const above = top * region.columns;
      const below = Math.min(top + 1, lastRow) * region.columns;
      for (let x = region.x * cellSide; x < x1; x++) {
        const cellX = Math.min(Math.max((x - cellMiddle) / cellSide - region.x, 0), lastColumn);
        const left = cellX | 0;
        const fx = cellX - left;
        const right = Math.min(left + 1, lastColumn);
        const w11 = fx * fy;
        const w01 = fx - w11;
        const w10 = fy - w11;
        const w00 = 1 - fx - w10;
        const a = above + left;
        const b = above + right;
        const c = below + left;
        const d = below + right;
        const pu = w00 * pooledU[a]! + w01 * pooledU[b]! + w10 * pooledU[c]! + w11 * pooledU[d]!;
        const pv = w00 * pooledV[a]! + w01 * pooledV[b]! + w10 * pooledV[c]! + w11 * pooledV[d]!;
        const at = y * out.width + x;
        const du = u[at]! - pu;
        const dv = v[at]! - pv;
        const far2 = du * du + dv * dv;
        if (far2 < 1) continue;
        const pooled = probability(input, x + pu, y + pv);
        const measured = probability(input, x + u[at]!, y + v[at]!);
        if (Math.abs(pooled - measured) < sameProbability) continue;
        const keep = keptShare(input, {
          x,
          y,
          u: u[at]!,
          v: v[at]!,
          pu,
          pv,
          far2,
          adds: measured > pooled,
        });
        u[at] = pu + keep * du;
        v[at] = pv + keep * dv;
      }
    }
  }

  #reserve(cells: number): void {
    if (this.#weight.length >= cells) return;
    const map = () => new Float32Array(cells);
    this.#origin = map();
    this.#weight = map();
    this.#u = map();
    this.#v = map();
    this.#pooledU = map();
    this.#pooledV = map();
    this.#sums = [map(), map(), map(), map()];
  }
}

type Region = {
  readonly x: number;
  readonly y: number;
  readonly columns: number;
  readonly rows: number;
};
type Bounds = {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};
