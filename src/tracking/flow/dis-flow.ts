import { ensureGradients } from './flow-image.ts';
import { PatchMatcher, patchSide } from './patch-matcher.ts';
import type { FlowEngine, FlowField, FlowImage, FlowLevel } from './types.ts';

/** Options of {@link createDisFlow}. */
export type DisFlowOptions = {
  /** Finest pyramid level searched: 0 = the grid itself, 1 = half of it. Default: 1. */
  finestLevel?: number;
  /** Distance between patches, in pixels of a level. Default: 4. */
  patchStride?: number;
  /** Most Gauss-Newton steps per patch and pass. Default: 6. */
  iterations?: number;
  passes?: number;
  damping?: number;
  median?: number;
  textureFloor?: number;
  prefer?: number;
  temporal?: number;
  levels?: number;
};

type Grid = {
  width: number;
  height: number;
  nx: number;
  ny: number;
  px: Int32Array;
  py: Int32Array;
  pu: Float32Array;
  pv: Float32Array;
  iu: Float32Array;
  iv: Float32Array;
  cost: Float32Array;
  texture: Float32Array;
  u: Float32Array;
  v: Float32Array;
  w: Float32Array;
  su: Float32Array;
  sv: Float32Array;
};

function axis(length: number, stride: number): Int32Array {
  const count = Math.max(1, Math.ceil((length - patchSide) / stride) + 1);
  const positions = new Int32Array(count);
  for (let i = 0; i < count; i++)
    positions[i] = Math.max(0, Math.min(i * stride, length - patchSide));
  return positions;
}

function createGrid(level: FlowLevel, stride: number): Grid {
  const { width, height } = level;
  const px = axis(width, stride);
  const py = axis(height, stride);
  const n = px.length * py.length;
  const f = (k: number) => new Float32Array(k);
  return {
    width,
    height,
    nx: px.length,
    ny: py.length,
    px,
    py,
    pu: f(n),
    pv: f(n),
    iu: f(n),
    iv: f(n),
    cost: f(n),
    texture: f(n),
    u: f(width * height),
    v: f(width * height),
    w: f(width * height),
    su: f(width * height),
    sv: f(width * height),
  };
}

/** Dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016). */
export function createDisFlow(options: DisFlowOptions = {}): FlowEngine {
  const finest = options.finestLevel ?? 1;
  const stride = options.patchStride ?? 4;
  const iterations = options.iterations ?? 6;
  const passes = options.passes ?? 2;
  const matcher = new PatchMatcher(options.damping ?? 100);
  const median = options.median ?? 1;
  const textureFloor = options.textureFloor ?? 200;
  const prefer = options.prefer ?? 0.95;
  const temporal = options.temporal ?? 1;
  let grids: Grid[] = [];

  function compute(
    previous: FlowImage,
    current: FlowImage,
    out: FlowField,
    initial?: FlowField,
  ): void {
    const top = Math.min(current.levels.length - 1, options.levels ?? 9);
    const last = Math.min(finest, top);
    if (
      grids[0]?.width !== current.levels[0]!.width ||
      grids[0]?.height !== current.levels[0]!.height
    )
      grids = current.levels.map((level) => createGrid(level, stride));
    for (let index = top; index >= last; index--) {
      const grid = grids[index]!;
      start(grid, index < top ? grids[index + 1]! : null);
      ensureGradients(current.levels[index]!);
      for (let pass = 0; pass < passes; pass++)
        search(
          grid,
          previous.levels[index]!,
          current.levels[index]!,
          pass,
          index >= top - temporal + 1 ? initial : undefined,
          index,
        );
      if (median) medianPatches(grid);
      densify(grid, previous.levels[index]!, current.levels[index]!);
    }
    upsample(grids[last]!, out, last);
  }

  function start(grid: Grid, coarser: Grid | null): void {
    if (coarser === null) {
      grid.iu.fill(0);
      grid.iv.fill(0);
    } else {
      for (let j = 0; j < grid.ny; j++)
        for (let i = 0; i < grid.nx; i++) {
          const x = Math.min(coarser.width - 1, (grid.px[i]! + 4) >> 1);
          const y = Math.min(coarser.height - 1, (grid.py[j]! + 4) >> 1);
          const k = j * grid.nx + i;
          grid.iu[k] = 2 * coarser.u[y * coarser.width + x]!;
          grid.iv[k] = 2 * coarser.v[y * coarser.width + x]!;
        }
    }
    grid.pu.set(grid.iu);
    grid.pv.set(grid.iv);
  }

  function search(
    grid: Grid,
    previous: FlowLevel,
    current: FlowLevel,
    pass: number,
    initial: FlowField | undefined,
    levelIndex: number,
  ): void {
    const { nx, ny, px, py, pu, pv, iu, iv } = grid;
    const reverse = pass % 2 === 1;
    const d = reverse ? 1 : -1;
    const n = nx * ny;
    for (let step = 0; step < n; step++) {
      const k = reverse ? n - 1 - step : step;
      const j = (k / nx) | 0;
      const i = k - j * nx;
      const x = px[i]!;
      const y = py[j]!;
      matcher.load(current, x, y);
      let bu = pu[k]!;
      let bv = pv[k]!;
      let cost = matcher.compare(previous, x + bu, y + bv);
      let sx = matcher.stepX;
      let sy = matcher.stepY;
      for (let c = 0; c < 3; c++) {
        let cu: number;
        let cv: number;
        if (c === 0) {
          if (i + d < 0 || i + d >= nx) continue;
          cu = pu[k + d]!;
          cv = pv[k + d]!;
        } else if (c === 1) {
          if (j + d < 0 || j + d >= ny) continue;
          cu = pu[k + d * nx]!;
          cv = pv[k + d * nx]!;
        } else {
          if (initial === undefined || pass > 0) continue;
          const scale = 1 / (1 << levelIndex);
          const gx = Math.min(initial.width - 1, (x + 4) << levelIndex);
          const gy = Math.min(initial.height - 1, (y + 4) << levelIndex);
          cu = scale * initial.u[gy * initial.width + gx]!;
          cv = scale * initial.v[gy * initial.width + gx]!;
        }
        const du = cu - bu;
        const dv = cv - bv;
        if (du * du + dv * dv < 0.06) continue;
        const other = matcher.compare(previous, x + cu, y + cv);
        if (other < prefer * cost) {
          cost = other;
          bu = cu;
          bv = cv;
          sx = matcher.stepX;
          sy = matcher.stepY;
        }
      }
      for (let it = 0; it < iterations; it++) {
        const nu = bu + sx;
        const nv = bv + sy;
        const du = nu - iu[k]!;
        const dv = nv - iv[k]!;
        if (sx * sx + sy * sy > 64) break;
        void du;
        void dv;
        const other = matcher.compare(previous, x + nu, y + nv);
        if (!(other < cost)) break;
        const length = sx * sx + sy * sy;
        cost = other;
        bu = nu;
        bv = nv;
        sx = matcher.stepX;
        sy = matcher.stepY;
        if (length < 0.0025) break;
      }
      pu[k] = bu;
      pv[k] = bv;
      grid.cost[k] = cost;
      grid.texture[k] = matcher.texture;
    }
  }

  const nine = new Float32Array(9);
  function med(values: Float32Array, count: number): number {
    for (let a = 1; a < count; a++) {
      const t = values[a]!;
      let b = a - 1;
      while (b >= 0 && values[b]! > t) {
        values[b + 1] = values[b]!;
        b--;
      }
      values[b + 1] = t;
    }
    return values[count >> 1]!;
  }
  function medianPatches(grid: Grid): void {
    const { nx, ny } = grid;
    grid.iu.set(grid.pu);
    grid.iv.set(grid.pv);
    for (let part = 0; part < 2; part++) {
      const from = part ? grid.iv : grid.iu;
      const to = part ? grid.pv : grid.pu;
      for (let j = 0; j < ny; j++)
        for (let i = 0; i < nx; i++) {
          let c = 0;
          for (let y = Math.max(0, j - 1); y <= Math.min(ny - 1, j + 1); y++)
            for (let x = Math.max(0, i - 1); x <= Math.min(nx - 1, i + 1); x++)
              nine[c++] = from[y * nx + x]!;
          to[j * nx + i] = med(nine, c);
        }
    }
  }

  function densify(grid: Grid, previous: FlowLevel, current: FlowLevel): void {
    const { nx, ny, px, py, pu, pv, u, v, w, width, height } = grid;
    u.fill(0);
    v.fill(0);
    w.fill(0);
    for (let j = 0; j < ny; j++)
      for (let i = 0; i < nx; i++) {
        const k = j * nx + i;
        const x0 = px[i]!;
        const y0 = py[j]!;
        const fu = pu[k]!;
        const fv = pv[k]!;
        matcher.load(current, x0, y0);
        matcher.difference(previous, x0 + fu, y0 + fv);
        const quality = (matcher.texture + textureFloor * 0.1) / (matcher.texture + textureFloor);
        const mean = matcher.meanDifference;
        const differences = matcher.differences;
        const w1 = Math.min(patchSide, width - x0);
        const h1 = Math.min(patchSide, height - y0);
        for (let y = 0; y < h1; y++) {
          const row = (y0 + y) * width + x0;
          for (let x = 0; x < w1; x++) {
            const weight = quality / Math.max(1, Math.abs(differences[y * patchSide + x]! - mean));
            u[row + x] = u[row + x]! + weight * fu;
            v[row + x] = v[row + x]! + weight * fv;
            w[row + x] = w[row + x]! + weight;
          }
        }
      }
    for (let k = 0; k < u.length; k++) {
      const s = 1 / w[k]!;
      u[k] = u[k]! * s;
      v[k] = v[k]! * s;
    }
  }

  function upsample(grid: Grid, out: FlowField, level: number): void {
    if (level === 0) {
      out.u.set(grid.u);
      out.v.set(grid.v);
      return;
    }
    const factor = 1 << level;
    const { width, height, u, v } = grid;
    for (let y = 0; y < out.height; y++) {
      const gy = Math.min(height - 1, Math.max(0, (y + 0.5) / factor - 0.5));
      const y0 = Math.floor(gy);
      const y1 = Math.min(height - 1, y0 + 1);
      const fy = gy - y0;
      for (let x = 0; x < out.width; x++) {
        const gx = Math.min(width - 1, Math.max(0, (x + 0.5) / factor - 0.5));
        const x0 = Math.floor(gx);
        const x1 = Math.min(width - 1, x0 + 1);
        const fx = gx - x0;
        const a = y0 * width + x0,
          b = y0 * width + x1,
          c = y1 * width + x0,
          d = y1 * width + x1;
        const w00 = factor * (1 - fx) * (1 - fy),
          w01 = factor * fx * (1 - fy),
          w10 = factor * (1 - fx) * fy,
          w11 = factor * fx * fy;
        out.u[y * out.width + x] = w00 * u[a]! + w01 * u[b]! + w10 * u[c]! + w11 * u[d]!;
        out.v[y * out.width + x] = w00 * v[a]! + w01 * v[b]! + w10 * v[c]! + w11 * v[d]!;
      }
    }
  }

  return { name: 'dis', compute, close: () => {} };
}
