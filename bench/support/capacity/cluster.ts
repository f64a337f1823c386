import { randomNumbers } from '../random-numbers.ts';
import { CameraStream } from './camera-stream.ts';
import type { StreamCosts } from './costs.ts';
import { InferencePool, type PoolCosts } from './inference-pool.ts';
import { Replica } from './replica.ts';
import { StreamRecord } from './stream-record.ts';
import { Timeline } from './timeline.ts';
import { logNormal } from './log-normal.ts';

/** What happens to a cluster that runs. */
export type ClusterEvent =
  | 'none'
  /** All cameras see a new scene at once. */
  | 'scene-cut'
  /** A server ends without a word; its streams find another after their clients' back-off. */
  | 'replica-lost'
  /** A tenth of the servers drain, are gone for a while and come back; then the next tenth. */
  | 'rolling-upgrade'
  /** An inference server ends with the calls it has. */
  | 'inference-server-lost';

/** A cluster and what it serves. */
export type ClusterOptions = {
  readonly costs: StreamCosts;
  readonly cameras: number;
  readonly replicas: number;
  /** Of each server. */
  readonly cores: number;
  /** Inference servers for all keyframes; null: each server has its own model. */
  readonly pool: {
    readonly servers: number;
    readonly costs: PoolCosts;
    /** Calls there that one server has under way at a time. Default: the server's */
    readonly maxCalls?: number;
  } | null;
  readonly seconds: number;
  /** Cameras begin evenly spread over so long. */
  readonly arrivalSeconds: number;
  readonly event: ClusterEvent;
  readonly eventAtSeconds: number;
  readonly seed: number;
};

/** Frames of a time, over all cameras. */
export type ClusterWindow = {
  readonly captured: number;
  readonly answered: number;
  readonly latenciesMs: readonly number[];
};

/** A camera with its place. */
type Camera = {
  readonly index: number;
  readonly record: StreamRecord;
  frame: number;
  replica: Replica | null;
  stream: CameraStream | null;
};

/** Back-off of clients before the first try on another server, and its jitter; see docs/resume.md. */
const backOffMs = 250;
const jitterMs = 1000;

/** A stream that is told in time goes on elsewhere after a new connection. */
const handOverMs = 50;

const upgradeShare = 0.1;
const upgradeMs = 5000;

/** A simulated cluster; run it once. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #timeline = new Timeline();
  readonly #random: () => number;
  readonly #pool: InferencePool | null;
  readonly #replicas: Replica[];
  readonly #cameras: Camera[];

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#random = randomNumbers(options.seed);
    const { pool, cameras, replicas } = options;
    this.#pool = pool && new InferencePool(this.#timeline, pool.servers, pool.costs);
    this.#replicas = Array.from({ length: replicas }, () => this.#startReplica());
    this.#cameras = Array.from({ length: cameras }, (_, index) => ({
      index,
      record: new StreamRecord(),
      frame: 0,
      replica: null,
      stream: null,
    }));
  }

  /** Runs to the end. */
  run(): void {
    const { arrivalSeconds, cameras, seconds, eventAtSeconds } = this.#options;
    const spacingMs = Math.max(
      (arrivalSeconds * 1000) / cameras,
      1000 / this.#options.costs.frameRate / cameras,
    );
    for (const camera of this.#cameras) {
      this.#timeline.after(camera.index * spacingMs, () => {
        this.#join(camera);
        this.#capture(camera);
      });
    }
    this.#timeline.after(eventAtSeconds * 1000, () => this.#happen());
    this.#timeline.runUntil(seconds * 1000);
  }

  /** Frames captured in that time. What is not answered by the end of the run is dropped. */
  window(fromSeconds: number, toSeconds: number): ClusterWindow {
    const [fromMs, toMs] = [fromSeconds * 1000, toSeconds * 1000];
    const latenciesMs = this.#cameras.flatMap(({ record }) => record.latencies(fromMs, toMs));
    const captured = this.#cameras.reduce(
      (sum, { record }) => sum + record.captured(fromMs, toMs),
      0,
    );
    return { captured, answered: latenciesMs.length, latenciesMs };
  }

  /** Keyframes of all streams, of those that were begun. */
  get keyframes(): number {
    return this.#cameras.reduce((sum, { record }) => sum + record.keyframes, 0);
  }

  /** Cores that are busy on a server that lasts, mean over the run. */
  get coresBusy(): number {
    const busyMs = this.#replicas.reduce((sum, { processor }) => sum + processor.busyMs, 0);
    return busyMs / this.#replicas.length / this.#timeline.nowMs;
  }

  /** Inference servers that are busy, mean over the run; null where there are none. */
  get inferenceServersBusy(): number | null {
    return this.#pool && this.#pool.busyMs / this.#timeline.nowMs;
  }

  #startReplica(): Replica {
    const { cores, costs, pool } = this.#options;
    const { keyframeCores: modelCores, mainMsPerSecond, wakeMs } = costs;
    return new Replica(this.#timeline, {
      cores,
      modelCores,
      mainMsPerSecond,
      wakeMs,
      pool: this.#pool,
      ...(pool?.maxCalls === undefined ? {} : { maxCalls: pool.maxCalls }),
    });
  }

  #capture(camera: Camera): void {
    const { costs, seconds } = this.#options;
    const { nowMs } = this.#timeline;
    // Answers to the last frames come after the end of the run.
    if (nowMs >= seconds * 1000) return;
    camera.record.capture(nowMs);
    camera.stream?.capture(camera.frame++, nowMs);
    this.#timeline.after(1000 / costs.frameRate, () => this.#capture(camera));
  }

  /** The camera's stream begins, or goes on, on the server with the fewest. */
  #join(camera: Camera): void {
    if (this.#replicas.length === 0) return;
    const { costs } = this.#options;
    const replica = this.#replicas.reduce((a, b) => (b.streams < a.streams ? b : a));
    const random = this.#random;
    const vary = logNormal(random, costs.variation);
    const parts = { timeline: this.#timeline, costs, record: camera.record, random, vary };
    camera.replica = replica;
    camera.stream = new CameraStream(parts, replica);
  }

  #happen(): void {
    const { event } = this.#options;
    if (event === 'scene-cut') for (const { stream } of this.#cameras) stream?.cutScene();
    if (event === 'replica-lost') this.#lose(1, () => backOffMs + jitterMs * this.#random());
    if (event === 'rolling-upgrade') this.#upgrade();
    if (event === 'inference-server-lost') this.#pool?.lose();
  }

  #upgrade(): void {
    const count = Math.max(1, Math.round(this.#options.replicas * upgradeShare));
    this.#lose(count, () => handOverMs * (1 + this.#random()));
    this.#timeline.after(upgradeMs, () => {
      for (let i = 0; i < count; i++) this.#replicas.push(this.#startReplica());
      this.#upgrade();
    });
  }

  /** The oldest servers end; each of their streams is elsewhere after so long. */
  #lose(count: number, awayMs: () => number): void {
    for (const lost of this.#replicas.splice(0, count)) {
      lost.processor.clear();
      for (const camera of this.#cameras) {
        if (camera.replica !== lost) continue;
        camera.stream?.close();
        camera.stream = null;
        camera.replica = null;
        this.#timeline.after(awayMs(), () => this.#join(camera));
      }
    }
  }
}
