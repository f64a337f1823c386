import { deviceName } from './engine/device.ts';
import type { WorkerMemory, WorkerName } from './loaded-model.ts';
import type { Manifest } from './manifest.ts';
import type { Seat, WorkerPlan } from './placement.ts';

/**
 * What each worker of a plan holds.
 *
 * @param grown bytes of resident memory by pool and worker, in the order of the plan; null: not known
 */
export function workerMemories(
  manifest: Manifest,
  { encoder, decoder, refiner }: WorkerPlan,
  grown: readonly (readonly number[])[] | null,
): WorkerMemory[] {
  const pools = (
    [
      ['encoder', encoder],
      ['decoder', decoder ?? []],
      ['refiner', refiner],
    ] as const satisfies readonly (readonly [WorkerName, readonly Seat[]])[]
  ).filter(([, seats]) => seats.length > 0);
  return pools.flatMap(([worker, seats], pool) =>
    seats.map((seat, i) => ({
      worker,
      devices: [...new Set(Object.values(seat.devices).map(deviceName))].join(', '),
      fileBytes: fileBytes(manifest, seat),
      residentBytes: grown?.[pool]?.[i] ?? null,
    })),
  );
}

function fileBytes({ graphs }: Manifest, { roles }: Seat): number {
  const files = roles.flatMap((role) => {
    const graph = graphs[role];
    return graph === undefined ? [] : [graph, ...graph.externalData];
  });
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
