import { usageError } from '../frame/errors.ts';
import { deviceName, parseDevice, type Device } from './engine/device.ts';
import type { GraphRole, Manifest } from './manifest.ts';
import type { WorkerSetup } from './worker/messages.ts';

/** Parts of a model that can be placed, and the graphs of each. */
const rolesOf = {
  encoder: ['encoder'],
  decoder: ['decoder'],
  memory: ['memoryEncoder', 'memoryAttention', 'pointerPositions', 'maskPrompt'],
  text: ['text', 'textEncoder'],
  refiner: ['refiner'],
} as const satisfies Record<string, readonly GraphRole[]>;

/** A part of a model that can be placed. */
export type ModelPart = keyof typeof rolesOf;

const parts = Object.keys(rolesOf) as ModelPart[];

/** Devices of each part that somebody placed: one worker for each device named. */
export type Placement = { readonly [part in ModelPart]?: readonly Device[] };

/** What one worker opens, and where. */
export type Seat = Pick<WorkerSetup, 'roles' | 'devices'>;

/** The workers of a model. */
export type WorkerPlan = {
  readonly encoder: readonly Seat[];
  /** Null: the encoder's only worker decodes, too, and features never leave it. */
  readonly decoder: readonly Seat[] | null;
  /** Empty for a model without a refiner. */
  readonly refiner: readonly Seat[];
};

/** Most workers of a part: a slip of the finger must not start a thousand threads. */
const maxWorkers = 64;

/**
 * A placement as it is written: `encoder=cuda:0*2+cuda:1,decoder=cuda:1,memory=cuda:1,text=cpu`. A
 * device is a worker, `*N` is N of them. Throws `usage`.
 */
export function parsePlacement(text: string): Placement {
  const placement: { [part in ModelPart]?: readonly Device[] } = {};
  for (const entry of text.split(',')) {
    const [name = '', devices] = entry.trim().split('=', 2);
    if (!isPart(name) || devices === undefined) {
      throw usageError(
        `placement: expected PART=DEVICE with a part of ${parts.join(', ')}, got "${entry.trim()}"`,
      );
    }
    if (placement[name] !== undefined) throw usageError(`placement: ${name} stands there twice`);
    placement[name] = parseDevices(name, devices);
  }
  return placement;
}

function parseDevices(part: ModelPart, text: string): Device[] {
  const devices = text.split('+').flatMap((entry) => {
    const [name = '', count = '1'] = entry.trim().split('*', 2);
    const device = parseDevice(name);
    if (typeof device === 'string') throw usageError(`placement: ${part}: ${device}`);
    if (!/^[1-9]\d{0,2}$/.test(count)) {
      throw usageError(`placement: ${part}: expected a number of workers behind *, got "${count}"`);
    }
    return Array.from({ length: Number(count) }, () => device);
  });
  if (devices.length > maxWorkers) {
    throw usageError(
      `placement: ${part}: expected at most ${maxWorkers} workers, got ${devices.length}`,
    );
  }
  return devices;
}

/**
 * The workers that a placement asks for. Memory and text are asked between two decoder runs, so they
 * live in the decoder's workers, each on its own device. Parts that are not named run on `provider`,
 * memory and text with the decoder; where neither encoder nor decoder is named they share a worker.
 *
 * Throws `usage` for a part that the model lacks, and for devices that do not go with the decoder's.
 */
export function planWorkers(
  manifest: Manifest,
  { provider, placement = {} }: { readonly provider: Device; readonly placement?: Placement },
): WorkerPlan {
  const present = (part: ModelPart): GraphRole[] =>
    rolesOf[part].filter((role) => manifest.graphs[role] !== undefined);
  for (const part of parts) {
    if (placement[part] === undefined || present(part).length > 0) continue;
    const there = parts.filter((other) => present(other).length > 0);
    throw usageError(
      `placement: expected parts of ${manifest.name} (${there.join(', ')}), got ${part}`,
    );
  }
  const encoder = placement.encoder ?? [provider];
  const decoder = placement.decoder ?? [provider];
  const beside = (part: 'memory' | 'text'): readonly Device[] => {
    const devices = placement[part];
    if (devices === undefined) return decoder;
    if (devices.length === 1) return decoder.map(() => devices[0]!);
    if (devices.length === decoder.length) return devices;
    throw usageError(
      `placement: ${part} runs in the decoder's workers: expected 1 device or ${decoder.length}, got ${devices.length}`,
    );
  };
  const memory = beside('memory');
  const text = beside('text');
  const decoding = decoder.map((device, i) =>
    seatOf([
      [present('decoder'), device],
      [present('memory'), memory[i]!],
      [present('text'), text[i]!],
    ]),
  );
  const encoding = encoder.map((device) => seatOf([[present('encoder'), device]]));
  const refiner = (placement.refiner ?? [provider]).map((device) =>
    seatOf([[present('refiner'), device]]),
  );
  const isShared = placement.encoder === undefined && placement.decoder === undefined;
  return {
    encoder: isShared ? [joined(encoding[0]!, decoding[0]!)] : encoding,
    decoder: isShared ? null : decoding,
    refiner: manifest.graphs.refiner === undefined ? [] : refiner,
  };
}

/** In place of a device: a graph that inference servers run. */
export const servers: Device = { provider: 'kserve', index: null };

/** The plan with these graphs on inference servers. */
export function placeOnServers(
  plan: WorkerPlan,
  models: Readonly<Partial<Record<GraphRole, object>>>,
): WorkerPlan {
  const placed = (seat: Seat): Seat => {
    const remote = seat.roles.filter((role) => models[role] !== undefined);
    const devices = Object.fromEntries(remote.map((role) => [role, servers]));
    return { ...seat, devices: { ...seat.devices, ...devices } };
  };
  return {
    encoder: plan.encoder.map(placed),
    decoder: plan.decoder?.map(placed) ?? null,
    refiner: plan.refiner,
  };
}

/** Whether a worker has graphs that inference servers run. */
export function isOnServers({ roles, devices }: Seat): boolean {
  return roles.some((role) => devices[role]?.provider === servers.provider);
}

/** The devices of each graph, one for each worker that opens it. */
export function devicesByRole(plan: WorkerPlan): ReadonlyMap<GraphRole, readonly Device[]> {
  const seats = [...plan.encoder, ...(plan.decoder ?? []), ...plan.refiner];
  const roles = new Set(seats.flatMap((seat) => seat.roles));
  return new Map(
    [...roles].map((role) => [
      role,
      seats.map(({ devices }) => devices[role]).filter((device) => device !== undefined),
    ]),
  );
}

/** One name for all of it, as `ListModels` gives it: `cpu`, or each part's devices. */
export function describePlan(plan: WorkerPlan): string {
  const devices = devicesByRole(plan);
  const places = [...devices].map(([role, list]) => [role, counted(list.map(deviceName))] as const);
  const distinct = new Set(places.map(([, place]) => place));
  if (distinct.size === 1 && plan.decoder === null) return [...distinct][0]!;
  const named = parts.flatMap((part) => {
    const roles: readonly GraphRole[] = rolesOf[part];
    const place = places.find(([role]) => roles.includes(role));
    return place === undefined ? [] : [`${part} ${place[1]}`];
  });
  return named.join(', ');
}

/** A provider's name as a device; what can be none is found out where a session is asked for. */
export function providerDevice(name: string): Device {
  const device = parseDevice(name);
  return typeof device === 'string' ? { provider: name, index: null } : device;
}

function seatOf(placed: readonly (readonly [roles: readonly GraphRole[], device: Device])[]): Seat {
  return {
    roles: placed.flatMap(([roles]) => roles),
    devices: Object.fromEntries(
      placed.flatMap(([roles, device]) => roles.map((role) => [role, device])),
    ),
  };
}

function joined(one: Seat, other: Seat): Seat {
  return {
    roles: [...one.roles, ...other.roles],
    devices: { ...one.devices, ...other.devices },
  };
}

function counted(names: readonly string[]): string {
  return [...new Set(names)]
    .map((name) => {
      const count = names.filter((other) => other === name).length;
      return count === 1 ? name : `${name}*${count}`;
    })
    .join('+');
}

function isPart(name: string): name is ModelPart {
  return Object.hasOwn(rolesOf, name);
}
