import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

const serviceName = 'maskstream.v1.SegmentationService';

/** The name under which a model's health is asked for. */
function modelService(model: string): string {
  return `${serviceName}/${model}`;
}

/** What grpc.health.v1 says of one server. */
export type Health = {
  addToServer(server: Server): void;
  /** New streams are taken. */
  serve(): void;
  /** None are from now on; what lives goes on. */
  drain(): void;
  /** A model whose workers cannot be started is no model to send streams to. */
  setModel(model: string, isUsable: boolean): void;
};

const state = (isServing: boolean) => (isServing ? 'SERVING' : 'NOT_SERVING');

/**
 * Health of a server, by the service that a Check or Watch names:
 *
 * - empty, `maskstream.v1.SegmentationService`, `readiness`: new streams are taken;
 * - `maskstream.v1.SegmentationService/MODEL`: they are, and this model can serve them;
 * - `startup`, `liveness`: the model was loaded, and the process need not be started anew. Before that
 *   nothing listens.
 */
export function createHealth(models: readonly string[]): Health {
  const ready = ['', serviceName, 'readiness'];
  const alive = ['startup', 'liveness'];
  const names = [...ready, ...alive, ...models.map(modelService)];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])),
  );
  forgetWatchersOfOthers(health, names);
  const broken = new Set<string>();
  let taking = false;
  const announce = () => {
    const usable = models.filter((model) => !broken.has(model));
    for (const name of ready) health.setStatus(name, state(taking && usable.length > 0));
    for (const model of models) {
      health.setStatus(modelService(model), state(taking && !broken.has(model)));
    }
    health.setStatus('liveness', state(usable.length > 0));
  };
  return {
    addToServer: (server) => health.addToServer(server),
    serve: () => {
      taking = true;
      health.setStatus('startup', 'SERVING');
      announce();
    },
    drain: () => {
      taking = false;
      announce();
    },
    setModel: (model, isUsable) => {
      if (isUsable) broken.delete(model);
      else broken.add(model);
      announce();
    },
  };
}

/**
 * The library (2.1.0) keeps the name of every service that was watched, for as long as the server lives.
 * Nothing is ever told of one that is none of ours.
 */
function forgetWatchersOfOthers(health: HealthImplementation, names: readonly string[]): void {
  const known: ReadonlySet<string> = new Set(names);
  const watchers = new (class extends Map<string, unknown> {
    override set(name: string, watcher: unknown): this {
      return known.has(name) ? super.set(name, watcher) : this;
    }
  })();
  if (!(Reflect.get(health, 'watchers') instanceof Map)) {
    throw new Error('grpc-health-check must hold its watchers in a Map');
  }
  Reflect.set(health, 'watchers', watchers);
}
