import { setTimeout as pause } from 'node:timers/promises';
import { SegmentationError } from '../../../frame/errors.ts';
import type { GraphRole, Manifest } from '../../manifest.ts';
import type { Tensors } from '../graph.ts';
import { Circuit } from './circuit.ts';
import { Endpoint } from './endpoint.ts';
import type { KserveSetup } from './kserve-options.ts';
import { judge } from './retry-rule.ts';
import type { ServerCall, ServerState } from './server-call.ts';

/** What a {@link ServerList} tells its owner. */
export type ServerListEvents = {
  /** No server answers any more, or one does again. */
  readonly onReach?: (reachable: boolean, reason: string) => void;
  /** A call is over, whatever came of it. */
  readonly onCall?: (call: ServerCall) => void;
  /** A call begins or ends, a server goes or comes back. */
  readonly onState?: (state: ServerState) => void;
};

type Server = { readonly endpoint: Endpoint; readonly circuit: Circuit; inFlight: number };

/** How a run is made. */
export type RunOptions = {
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether it waits for a server that answers, and is made again on one that failed it; otherwise it
   * ends where no further server is left to try. Default: true.
   */
  readonly waits?: boolean;
};

/** Odd answers to one run after which it is given up. */
const oddAnswersPerRun = 3;

/** Pause before a run is made again on the server that failed it. */
const retryPauseMs = 200;

/**
 * Inference servers with the same models. A run goes to the server with the fewest under way; one that
 * fails is made again elsewhere if that may help. While no server answers, runs wait.
 */
export class ServerList {
  readonly #options: KserveSetup;
  readonly #events: ServerListEvents;
  readonly #servers: readonly Server[];
  readonly #waiters = new Set<() => void>();
  #closed = new AbortController();

  private constructor(manifest: Manifest, options: KserveSetup, events: ServerListEvents) {
    this.#options = options;
    this.#events = events;
    this.#servers = options.addresses.map((address) => ({
      endpoint: new Endpoint(address, manifest, options),
      circuit: new Circuit(),
      inFlight: 0,
    }));
  }

  /**
   * Asks every server for its models. Throws `model-load-failed` where one has another model than the
   * manifest's, or none is ready.
   */
  static async open(
    manifest: Manifest,
    options: KserveSetup,
    events: ServerListEvents = {},
  ): Promise<ServerList> {
    const list = new ServerList(manifest, options, events);
    const asked = await Promise.allSettled(list.#servers.map(({ endpoint }) => endpoint.probe()));
    const failures = asked.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason] : [],
    );
    const other = failures.find((reason) => reason instanceof SegmentationError);
    if (other !== undefined || failures.length === asked.length) {
      list.close();
      throw other ?? nobody('a server that is ready', failures.map(messageOf));
    }
    asked.forEach((answer, i) => {
      const server = list.#servers[i]!;
      list.#tell(server);
      if (answer.status === 'rejected') list.#fail(server, 'gone', answer.reason);
    });
    return list;
  }

  /**
   * Runs a graph once. Throws `inference-unavailable` where no server answered in time, `cancelled`,
   * `model-failed`.
   */
  async run(role: GraphRole, feeds: Tensors, options: RunOptions = {}): Promise<Tensors> {
    const { signal } = options;
    const giveUpMs = performance.now() + this.#options.waitMs;
    const tried = new Set<Server>();
    let odd = 0;
    for (;;) {
      const server = await this.#choose(tried, giveUpMs, options);
      tried.add(server);
      try {
        return await this.#call(server, { role, feeds, signal });
      } catch (reason) {
        if (signal?.aborted) throw cancelled(signal);
        const verdict = judge(reason);
        if (verdict !== 'refused') this.#fail(server, verdict, reason);
        if (verdict === 'odd') odd++;
        if (verdict === 'odd' && odd < oddAnswersPerRun) await this.#recheck(server);
        if (verdict === 'refused' || odd >= oddAnswersPerRun) {
          throw new SegmentationError('model-failed', messageOf(reason), { cause: reason });
        }
      }
    }
  }

  /** One call of one server, told when it is over. */
  async #call(
    server: Server,
    run: { role: GraphRole; feeds: Tensors; signal: AbortSignal | undefined },
  ): Promise<Tensors> {
    const { role, feeds, signal } = run;
    const { deadlineMs } = this.#options;
    const bytes = { sentBytes: 0, receivedBytes: 0 };
    const beganMs = performance.now();
    let outcome: ServerCall['outcome'] = 'ok';
    server.inFlight++;
    this.#tell(server);
    try {
      const limits = { deadlineMs, bytes, ...(signal === undefined ? {} : { signal }) };
      const outputs = await server.endpoint.run(role, feeds, limits);
      server.circuit.succeed();
      return outputs;
    } catch (reason) {
      outcome = signal?.aborted ? 'cancelled' : judge(reason);
      throw reason;
    } finally {
      server.inFlight--;
      const ms = performance.now() - beganMs;
      const { address } = server.endpoint;
      this.#events.onCall?.({ server: address, graph: role, outcome, ms, ...bytes });
      this.#tell(server);
    }
  }

  #tell({ endpoint, circuit, inFlight }: Server): void {
    const isOut = circuit.openBecause !== null;
    this.#events.onState?.({ server: endpoint.address, isOut, callsUnderWay: inFlight });
  }

  /** Ends connections and probes; runs under way and those that wait fail. Idempotent. */
  close(): void {
    this.#closed.abort();
    for (const { endpoint } of this.#servers) endpoint.close();
    this.#wake();
  }

  /** The least busy server that answers, one that was not tried first; waits while there is none. */
  async #choose(
    tried: Set<Server>,
    giveUpMs: number,
    { signal, waits = true }: RunOptions,
  ): Promise<Server> {
    for (;;) {
      if (signal?.aborted) throw cancelled(signal);
      if (this.#closed.signal.aborted || performance.now() >= giveUpMs) {
        throw this.#unanswered(`within ${this.#options.waitMs} ms`);
      }
      const closed = this.#servers
        .filter(({ circuit }) => circuit.openBecause === null)
        .toSorted((a, b) => a.inFlight - b.inFlight);
      const [fresh] = closed.filter((server) => !tried.has(server));
      if (fresh !== undefined) return fresh;
      if (!waits) throw this.#unanswered('at once');
      const leftMs = giveUpMs - performance.now();
      if (closed.length > 0) {
        tried.clear();
        await pause(Math.min(leftMs, retryPauseMs));
      } else {
        await this.#change(leftMs, signal);
        tried.clear();
      }
    }
  }

  #unanswered(when: string): SegmentationError {
    const reasons = this.#servers.map(({ circuit }) => circuit.openBecause);
    return nobody(
      `an answer of an inference server ${when}`,
      reasons.filter((reason) => reason !== null),
      'inference-unavailable',
    );
  }

  /** Resolves when a server answers again, the time is over or the signal aborts. */
  #change(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiters.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  #fail(server: Server, kind: 'gone' | 'slow' | 'odd', reason: unknown): void {
    const message = messageOf(reason);
    if (!server.circuit.fail(kind, message)) return;
    this.#tell(server);
    if (this.#servers.every(({ circuit }) => circuit.openBecause !== null)) {
      this.#events.onReach?.(false, message);
    }
    void this.#probeUntilReady(server);
  }

  /** An odd answer may be a server's last one, or that of another model than it had. */
  async #recheck(server: Server): Promise<void> {
    await server.endpoint
      .probe()
      .catch((reason: unknown) => this.#fail(server, 'gone', messageOf(reason)));
  }

  /** Never rejects. */
  async #probeUntilReady(server: Server): Promise<void> {
    const { endpoint, circuit } = server;
    const { signal } = this.#closed;
    while (circuit.openBecause !== null) {
      await pause(circuit.nextProbeMs(), undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      await endpoint.probe().then(
        () => circuit.succeed(),
        // With another model it is as good as gone until it has the right one.
        (reason: unknown) => circuit.fail('gone', messageOf(reason)),
      );
    }
    this.#tell(server);
    const others = this.#servers.filter((other) => other !== server);
    if (others.every((other) => other.circuit.openBecause !== null)) {
      this.#events.onReach?.(true, `${endpoint.address} answers`);
    }
    this.#wake();
  }
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

function nobody(
  wanted: string,
  reasons: readonly string[],
  code: 'model-load-failed' | 'inference-unavailable' = 'model-load-failed',
): SegmentationError {
  const came = reasons.length === 0 ? 'none' : reasons.join('; ');
  return new SegmentationError(code, `expected ${wanted}, got ${came}`);
}

function cancelled({ reason: cause }: AbortSignal): SegmentationError {
  return new SegmentationError('cancelled', 'the call was cancelled', { cause });
}
