/** A tileable grey picture: value noise of several octaves, 0..1. */
export type Texture = { readonly side: number; readonly values: Float32Array };

/** Repeatable numbers in [0, 1): Marsaglia's xorshift. `seed` must not be 0. */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * Value noise: random values on grids of growing fineness, smoothly interpolated and added up.
 * Flow and segmentation need texture: flat shapes would be too easy for one and too hard for the
 * other.
 *
 * @param side in pixels, a power of two; the texture repeats after it
 */
export function createNoise(side: number, seed: number): Texture {
  const random = createRandom(seed);
  const values = new Float32Array(side * side);
  let weight = 0.5;
  for (let cells = 4; cells <= side / 2; cells *= 2) {
    const grid = Float32Array.from({ length: cells * cells }, random);
    addOctave(values, side, { grid, cells }, weight);
    weight *= 0.6;
  }
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { side, values: values.map((value) => (value - low) / (high - low)) };
}

/** The texture at any position, bilinear, repeating. */
export function sampleTexture({ side, values }: Texture, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const [fx, fy] = [x - left, y - top];
  const last = side - 1;
  const row0 = (top & last) * side;
  const row1 = ((top + 1) & last) * side;
  const [c0, c1] = [left & last, (left + 1) & last];
  const upper = values[row0 + c0]! * (1 - fx) + values[row0 + c1]! * fx;
  const lower = values[row1 + c0]! * (1 - fx) + values[row1 + c1]! * fx;
  return upper * (1 - fy) + lower * fy;
}

function addOctave(
  values: Float32Array,
  side: number,
  octave: { readonly grid: Float32Array; readonly cells: number },
  weight: number,
): void {
  const { grid, cells } = octave;
  const scale = cells / side;
  for (let y = 0; y < side; y++) {
    const gy = Math.floor(y * scale);
    const fy = smooth(y * scale - gy);
    const row0 = gy * cells;
    const row1 = ((gy + 1) % cells) * cells;
    for (let x = 0; x < side; x++) {
      const gx = Math.floor(x * scale);
      const fx = smooth(x * scale - gx);
      const next = (gx + 1) % cells;
      const upper = grid[row0 + gx]! * (1 - fx) + grid[row0 + next]! * fx;
      const lower = grid[row1 + gx]! * (1 - fx) + grid[row1 + next]! * fx;
      values[y * side + x] = values[y * side + x]! + weight * (upper * (1 - fy) + lower * fy);
    }
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
