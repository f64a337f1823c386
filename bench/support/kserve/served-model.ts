import type { GraphManifest } from '../../../src/inference/manifest.ts';

/** A graph as a server is to serve it. */
export type ServedModel = {
  readonly name: string;
  /** The graph's file. */
  readonly file: string;
  readonly graph: Pick<GraphManifest, 'inputs' | 'outputs'>;
  /** Most pictures of one run, for a graph whose first sides are open; 0: no batches. Default: 0. */
  readonly maxBatch?: number;
  /** How long the batcher waits for company, in microseconds. Default: 20,000. */
  readonly maxQueueDelayUs?: number;
  /** The picture travels as bytes. Default: false. */
  readonly pixels?: boolean;
  /** Outputs travel as FP16. Default: false. */
  readonly halfOutputs?: boolean;
  /** Threads of one run. Default: 2. */
  readonly threads?: number;
};

/** Options of a server that is started. */
export type InferenceServerOptions = {
  readonly models: readonly ServedModel[];
  /** Port of gRPC, such as that of one that ended. Default: a free one. */
  readonly port?: number;
  /** Largest message that it takes, where it has a limit. Default: 32 MiB. */
  readonly maxMessageBytes?: number;
};

/** What its models are to do wrong from the next run on. */
export type Faults = {
  /** Seconds that a run takes longer. */
  readonly slow?: number;
  /** One value is no number. */
  readonly nan?: boolean;
  /** The first output lacks a column. */
  readonly shape?: boolean;
};

/** A real inference server on loopback, in processes of its own. */
export type InferenceServer = AsyncDisposable & {
  /** HOST:PORT of gRPC. */
  readonly address: string;
  readonly port: number;
  /** Metrics in Prometheus's form. */
  readonly metricsUrl: string;
  misbehave(faults: Faults): Promise<void>;
  /** Sends a signal to all of its processes; resolves when they are gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
};
