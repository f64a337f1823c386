import type { Size } from '../../frame/geometry.ts';

/**
 * Dense backward flow on the flow grid: pixel (x, y) of the current frame came from
 * (x + u, y + v) of an earlier frame, both in grid pixels, row-major.
 */
export type FlowField = {
  readonly width: number;
  readonly height: number;
  readonly u: Float32Array;
  readonly v: Float32Array;
};

/**
 * One level of a {@link FlowImage}: grey values 0..255. Rows are `stride` long and repeat the edge
 * pixels on all four sides, so that patches may overhang.
 */
export type FlowLevel = {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  /** Index of the pixel (0, 0). */
  readonly origin: number;
  readonly grey: Float32Array;
};

/**
 * A grey picture on the flow grid with its pyramid, made by `createFlowImage` and filled by
 * `prepareFlowImage`. Level 0 is the grid itself; each further level halves both sides, rounded up.
 */
export type FlowImage = {
  /** Size of level 0: the flow grid. */
  readonly grid: Size;
  readonly levels: readonly FlowLevel[];
  /** Counts the pictures that this memory has held, so that an engine knows what it has seen. */
  revision: number;
  /** The memory of all levels, one behind the other. */
  readonly pixels: Float32Array;
};

/** Computes flow between two prepared pictures of one grid; keeps scratch memory, so one per thread. */
export type FlowEngine = {
  readonly name: string;
  /**
   * Fills `out` with the backward flow from `current` to `previous`.
   *
   * @param initial flow of the step before, as a starting guess for steady motion; may be `out`
   */
  compute(previous: FlowImage, current: FlowImage, out: FlowField, initial?: FlowField): void;
  /** Frees native memory; idempotent. */
  close(): void;
};

/** What a map of the flow grid says inside one object's mask. */
export type RegionSummary = {
  /** Mean of the map, weighted by the mask's probability. */
  readonly mean: number;
  /** Share of the mask's weight where the map is above the threshold, 0..1. */
  readonly aboveRatio: number;
  /** Weight summed: grid pixels that the mask covers. 0 where it covers none; the rest is then 0. */
  readonly weight: number;
};
