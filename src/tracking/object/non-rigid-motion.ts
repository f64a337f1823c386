import type { SoftMask } from '../../frame/soft-mask.ts';
import type { FlowField } from '../flow/types.ts';

/** Added to the spread of the coordinates, in squared grid pixels: holds the fit on thin masks. */
const damping = 1;

/** Pixels of the flow grid that an affine motion can be fitted to. */
const minPixels = 6;

/**
 * How much an object changed its shape from one frame to the next: the part of the flow inside its
 * mask that no affine motion explains, over the square root of its area. A shift, a turn or a zoom
 * is warped well and costs a mask nothing; limbs that move against each other do.
 *
 * @returns 0 for an affine motion; 0.02 is a lot for one frame
 */
export function nonRigidMotion(flow: FlowField, mask: SoftMask): number {
  const sums = sumUp(flow, mask);
  const { n } = sums;
  if (n < minPixels) return 0;
  const xx = sums.xx - (sums.x * sums.x) / n + damping;
  const yy = sums.yy - (sums.y * sums.y) / n + damping;
  const xy = sums.xy - (sums.x * sums.y) / n;
  const determinant = xx * yy - xy * xy;
  const unexplained = (value: number, square: number, withX: number, withY: number): number => {
    const cx = withX - (sums.x * value) / n;
    const cy = withY - (sums.y * value) / n;
    const explained = (cx * cx * yy - 2 * cx * cy * xy + cy * cy * xx) / determinant;
    return Math.max(0, square - (value * value) / n - explained);
  };
  const left =
    unexplained(sums.u, sums.uu, sums.xu, sums.yu) + unexplained(sums.v, sums.vv, sums.xv, sums.yv);
  return Math.sqrt(left) / n;
}

type Sums = Record<'n' | 'x' | 'y' | 'xx' | 'xy' | 'yy', number> &
  Record<'u' | 'uu' | 'xu' | 'yu' | 'v' | 'vv' | 'xv' | 'yv', number>;

/** Moments of the flow over a mask, coordinates from the corner of its window. */
function sumUp(flow: FlowField, { window, size, values }: SoftMask): Sums {
  const s: Sums = {
    n: 0,
    x: 0,
    y: 0,
    xx: 0,
    xy: 0,
    yy: 0,
    u: 0,
    uu: 0,
    xu: 0,
    yu: 0,
    v: 0,
    vv: 0,
    xv: 0,
    yv: 0,
  };
  if (window === null) return s;
  const scaleX = size.width / flow.width;
  const scaleY = size.height / flow.height;
  const x0 = Math.max(0, Math.ceil(window.x / scaleX - 0.5));
  const y0 = Math.max(0, Math.ceil(window.y / scaleY - 0.5));
  const x1 = Math.min(flow.width, Math.ceil((window.x + window.width) / scaleX - 0.5));
  const y1 = Math.min(flow.height, Math.ceil((window.y + window.height) / scaleY - 0.5));
  for (let row = y0; row < y1; row++) {
    const from = (Math.floor((row + 0.5) * scaleY) - window.y) * window.width - window.x;
    const y = row - y0;
    for (let column = x0; column < x1; column++) {
      if ((values[from + Math.floor((column + 0.5) * scaleX)] ?? 0) < 0.5) continue;
      const at = row * flow.width + column;
      const u = flow.u[at] ?? 0;
      const v = flow.v[at] ?? 0;
      const x = column - x0;
      s.n++;
      s.x += x;
      s.y += y;
      s.xx += x * x;
      s.xy += x * y;
      s.yy += y * y;
      s.u += u;
      s.uu += u * u;
      s.xu += x * u;
      s.yu += y * u;
      s.v += v;
      s.vv += v * v;
      s.xv += x * v;
      s.yv += y * v;
    }
  }
  return s;
}
