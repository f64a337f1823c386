import type { LoadModelOptions, WorkerName } from '../inference/index.ts';
import type { ModelEvent } from '../pipeline/index.ts';
import type { ServerMetrics } from '../server/index.ts';
import type { JsonLogger } from './json-logger.ts';

/** What {@link ModelWatch} hears from a model that is being loaded or served. */
type ModelListeners = Required<
  Pick<LoadModelOptions, 'onReach' | 'onServerCall' | 'onWorkerDown' | 'onWorkerRestart'>
>;

/** What befalls a model while it is served, told to the log, the metrics, the probes and the streams. */
export class ModelWatch {
  readonly #log: JsonLogger;
  readonly #metrics: ServerMetrics;
  readonly #inferenceLost: ModelEvent;
  readonly #streams = new Set<(event: ModelEvent) => void>();
  /** Workers that cannot be started, by what the model needs them for. */
  readonly #down = new Set<WorkerName>();
  #isInferenceLost = false;
  #onHealth: (() => void) | null = null;

  /** @param parts.waitMs how long who needs an inference server waits for one, at most */
  constructor(parts: {
    readonly log: JsonLogger;
    readonly metrics: ServerMetrics;
    readonly waitMs: number;
  }) {
    this.#log = parts.log;
    this.#metrics = parts.metrics;
    this.#inferenceLost = { kind: 'inference-lost', waitSeconds: parts.waitMs / 1000 };
  }

  /** For `loadModel`. */
  readonly listeners: ModelListeners = {
    onReach: (reachable, reason) => {
      this.#isInferenceLost = !reachable;
      if (reachable) this.#log.info({ reason }, 'an inference server answers again');
      else this.#log.error({ reason }, 'no inference server answers');
      this.#tellStreams(reachable ? { kind: 'inference-back' } : this.#inferenceLost);
    },
    onServerCall: (call) => this.#metrics.inferenceCall(call),
    onWorkerDown: (worker, cause) => {
      this.#log.error({ worker, err: cause }, 'model worker cannot be started');
      this.#down.add(worker);
      this.#onHealth?.();
    },
    onWorkerRestart: (worker) => {
      this.#down.delete(worker);
      this.#onHealth?.();
      this.#log.warn({ worker }, 'model worker restarted');
      this.#metrics.workerRestarted(worker);
      this.#tellStreams({ kind: 'worker-restarted' });
    },
  };

  /** For streams; see `SessionParts.watchModel`. */
  readonly watchModel = (listener: (event: ModelEvent) => void): (() => void) => {
    if (this.#isInferenceLost) listener(this.#inferenceLost);
    this.#streams.add(listener);
    return () => this.#streams.delete(listener);
  };

  /** Workers that cannot be started; where there is one the model cannot be used. */
  get down(): ReadonlySet<WorkerName> {
    return this.#down;
  }

  /** Calls `listener` whenever `down` may have changed. */
  onHealth(listener: () => void): void {
    this.#onHealth = listener;
  }

  #tellStreams(event: ModelEvent): void {
    for (const listener of this.#streams) listener(event);
  }
}
