/** Weights that make the samples of one axis from runs of other samples. */
export type Taps = {
  /** Input samples per output sample. */
  readonly count: number;
  /** First input sample of each output sample. */
  readonly start: Int32Array;
  /** `weight[tap * length + i]` for output sample i; the weights of each have sum 1. */
  readonly weight: Float32Array;
};

/** The part of an axis that is seen, in fractions of it, and from which end. */
export type AxisPart = {
  readonly start: number;
  readonly span: number;
  readonly isReversed: boolean;
};

/**
 * From this shrink factor on the filter widens with it. Below, two taps: the embedded model was
 * trained on pictures shrunk by up to 1.2 with plain bilinear sampling.
 */
const antialiasFrom = 1.5;

/**
 * Bilinear, from `antialiasFrom` on area-weighted. Pixel centres are at half positions at both
 * sizes, as in cv2.resize; what lies outside the picture does not count.
 *
 * @param from samples of the axis
 * @param to samples that the part becomes
 */
export function axisTaps(from: number, to: number, part: AxisPart): Taps {
  const scale = (from * part.span) / to;
  const origin = from * part.start;
  const radius = scale > antialiasFrom ? scale : 1;
  const count = Math.min(from, Math.ceil(radius) * 2);
  const start = new Int32Array(to);
  const weight = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const centre = Math.min(from - 1, Math.max(0, origin + (i + 0.5) * scale - 0.5));
    const first = Math.max(0, Math.floor(centre - radius) + 1);
    const last = Math.min(from - 1, Math.ceil(centre + radius) - 1);
    const at = part.isReversed ? to - 1 - i : i;
    const earliest = Math.min(first, from - count);
    start[at] = earliest;
    let total = 0;
    for (let j = first; j <= last; j++) total += 1 - Math.abs(j - centre) / radius;
    for (let j = first; j <= last; j++) {
      weight[(j - earliest) * to + at] = (1 - Math.abs(j - centre) / radius) / total;
    }
  }
  return { count, start, weight };
}
