import type { TrackerPool } from '../../../src/pipeline/index.ts';
import type { StreamCosts } from '../capacity/costs.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

/** Real trackers whose calls take their time on simulated tracking threads. */
export function simulatedTrackers(real: TrackerPool, machine: SimulatedMachine): TrackerPool {
  const { replica, costs, time } = machine;
  return {
    open: async (options, owner) => {
      const handle = await time.spend(replica.main, 0, () => real.open(options, owner));
      const thread = replica.trackerOf();
      return {
        call: (method, ...parameters) =>
          machine.call(thread, callMs(costs, method, parameters), () =>
            handle.call(method, ...parameters),
          ),
        get loss() {
          return handle.loss;
        },
        reopen: () => handle.reopen(),
        close: () => {
          replica.release(thread);
          handle.close();
        },
      };
    },
    close: () => real.close(),
  };
}

/** Flow over a frame, and over those that it passes on its way; and masks. All else costs a call. */
function callMs(costs: StreamCosts, method: string, parameters: readonly unknown[]): number {
  if (method === 'deliver') return costs.outputMs;
  if (method !== 'advance') return 0;
  const { bridge = [], deliver } = (parameters[1] ?? {}) as {
    readonly bridge?: readonly unknown[];
    readonly deliver?: unknown;
  };
  return costs.flowMs * (1 + bridge.length) + (deliver === undefined ? 0 : costs.outputMs);
}
