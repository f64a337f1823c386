import { mean } from '../../../src/evaluation/series-statistics.ts';
import type { StreamCosts } from './costs.ts';
import type { MeasuredLoad } from './measured-load.ts';
import type { SimulatedLoad } from './simulate-load.ts';

/** What was found, and the root mean square of the errors of p50 and p95 that are left (natural logarithm). */
export type FittedCosts = {
  readonly costs: StreamCosts;
  readonly speed: number;
  readonly error: number;
};

const speeds = [0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8];
const variations = [0.3, 0.45, 0.6, 0.75, 0.9];

/**
 * Fits two numbers to measured loads, of which none should be overloaded: how much dearer a server's
 * work is than the costs say, decoding left out, which is measured alone; and how far work spreads.
 *
 * @param simulate a load with these costs
 */
export function fitCosts(
  costs: StreamCosts,
  measured: readonly MeasuredLoad[],
  simulate: (costs: StreamCosts, cameras: number) => Pick<SimulatedLoad, 'p50Ms' | 'p95Ms'>,
): FittedCosts {
  const tried = speeds.flatMap((speed) =>
    variations.map((variation) => {
      const dearer = { ...timesSpeed(costs, speed), variation };
      const squares = measured.flatMap((load) => {
        const { p50Ms, p95Ms } = simulate(dearer, load.cameras);
        return [Math.log(p50Ms / load.p50Ms) ** 2, Math.log(p95Ms / load.p95Ms) ** 2];
      });
      return { costs: dearer, speed, error: Math.sqrt(mean(squares)) };
    }),
  );
  return tried.reduce((best, one) => (one.error < best.error ? one : best));
}

/** Costs of a server whose work is so many times as dear; decoding is not its work. */
export function timesSpeed(costs: StreamCosts, speed: number): StreamCosts {
  return {
    ...costs,
    mainMs: costs.mainMs * speed,
    mainMsPerSecond: costs.mainMsPerSecond * speed,
    wakeMs: costs.wakeMs * speed,
    flowMs: costs.flowMs * speed,
    outputMs: costs.outputMs * speed,
    refineMs: costs.refineMs * speed,
    keyframeMs: costs.keyframeMs * speed,
    promptMs: costs.promptMs * speed,
    clientMs: costs.clientMs * speed,
  };
}
