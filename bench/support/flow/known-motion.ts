import type { Point, Size } from '../../../src/frame/geometry.ts';
import {
  createFlowField,
  createFlowImage,
  flowGrid,
  prepareFlowImage,
} from '../../../src/tracking/flow/image.ts';
import type { FlowEngine } from '../../../src/tracking/flow/types.ts';

/** A camera motion over a still photograph: where a pixel of the moved picture came from. */
export type KnownMotion = {
  readonly name: string;
  readonly origin: (point: Point, size: Size) => Point;
};

const pan = (name: string, share: number): KnownMotion => ({
  name,
  origin: ({ x, y }, { width }) => ({ x: x + share * width, y: y - 0.3 * share * width }),
});

/** Pans in per cent of the width, and rotation with zoom about the middle. */
export const knownMotions: readonly KnownMotion[] = [
  pan('pan 0.5 %', 0.005),
  pan('pan 3 %', 0.03),
  pan('pan 6 %', 0.06),
  pan('pan 9 %', 0.09),
  pan('pan 12 %', 0.12),
  {
    name: 'rotate 4°, zoom 5 %',
    origin: ({ x, y }, { width, height }) => {
      const angle = (4 * Math.PI) / 180;
      const dx = (x - width / 2) / 1.05;
      const dy = (y - height / 2) / 1.05;
      return {
        x: width / 2 + Math.cos(angle) * dx + Math.sin(angle) * dy,
        y: height / 2 - Math.sin(angle) * dx + Math.cos(angle) * dy,
      };
    },
  },
];

/** Mean distance from the true flow, in pixels of a grid 256 wide, one value per known motion. */
export function endPointErrors(
  engine: FlowEngine,
  photograph: Uint8Array,
  size: Size,
  longSide: number,
): number[] {
  // The picture is a window inside the photograph, so that a pan brings in what was really there.
  const window = {
    width: Math.floor(size.width * 0.7) & ~1,
    height: Math.floor(size.height * 0.7) & ~1,
  };
  const grid = flowGrid(window, longSide);
  const [previous, current] = [createFlowImage(grid), createFlowImage(grid)];
  const flow = createFlowField(grid);
  return knownMotions.map(({ origin }) => {
    prepareFlowImage(
      view(photograph, size, window, (point) => point),
      window,
      previous,
    );
    prepareFlowImage(
      view(photograph, size, window, (point) => origin(point, window)),
      window,
      current,
    );
    engine.compute(previous, current, flow);
    const scale = window.width / grid.width;
    let sum = 0;
    let count = 0;
    for (let y = 0; y < grid.height; y++) {
      for (let x = 0; x < grid.width; x++) {
        const from = origin({ x: (x + 0.5) * scale, y: (y + 0.5) * scale }, window);
        const trueX = from.x / scale - 0.5;
        const trueY = from.y / scale - 0.5;
        if (trueX < 0 || trueY < 0 || trueX > grid.width - 1 || trueY > grid.height - 1) continue;
        const at = y * grid.width + x;
        sum += Math.hypot(x + flow.u[at]! - trueX, y + flow.v[at]! - trueY);
        count++;
      }
    }
    return ((sum / count) * 256) / grid.width;
  });
}

function view(photograph: Uint8Array, size: Size, window: Size, origin: (point: Point) => Point) {
  const left = (size.width - window.width) / 2;
  const top = (size.height - window.height) / 2;
  const luma = new Uint8Array(window.width * window.height);
  for (let y = 0; y < window.height; y++) {
    for (let x = 0; x < window.width; x++) {
      const from = origin({ x: x + 0.5, y: y + 0.5 });
      luma[y * window.width + x] = sample(
        photograph,
        size,
        left + from.x - 0.5,
        top + from.y - 0.5,
      );
    }
  }
  return luma;
}

function sample(luma: Uint8Array, size: Size, x: number, y: number): number {
  const left = Math.min(Math.max(Math.floor(x), 0), size.width - 2);
  const top = Math.min(Math.max(Math.floor(y), 0), size.height - 2);
  const fx = Math.min(Math.max(x - left, 0), 1);
  const fy = Math.min(Math.max(y - top, 0), 1);
  const at = top * size.width + left;
  const above = luma[at]! * (1 - fx) + luma[at + 1]! * fx;
  const below = luma[at + size.width]! * (1 - fx) + luma[at + size.width + 1]! * fx;
  return Math.round(above * (1 - fy) + below * fy);
}
