import type { SegmentationError } from '../frame/errors.ts';
import type { ModelInfo } from '../frame/model.ts';
import type { SessionEvent, SessionInput, SessionOptions } from '../pipeline/session-types.ts';
import type { CallGuard } from './admission/guard-calls.ts';
import type { Doorkeeper } from './admission/authentication.ts';
import type { Identify, Principal } from './admission/identity.ts';
import type { LoadLedger } from './admission/load-ledger.ts';
import type { ObjectLedger } from './admission/object-ledger.ts';
import type { PredictLoad } from './admission/stream-demand.ts';
import type { ConnectionGuard } from './admission/guard-connections.ts';
import type { MaskWorkers } from './mask-workers/mask-workers.ts';
import type { Logger } from './logger.ts';
import type { ServerLimits } from './server-limits.ts';
import type { ServerMetrics } from './server-metrics.ts';
import type { Tracer } from './server-tracing.ts';

/** RunSession with its parts bound: what the caller plugs in. */
export type OpenSession = (
  inputs: AsyncIterable<SessionInput>,
  options: SessionOptions,
  model: ModelInfo,
) => AsyncIterable<SessionEvent>;

/** Where sessions come from. */
export type Sessions = {
  /** A video stream. */
  readonly openVideo: OpenSession;
  /**
   * A stream of one picture: the same session with an image decoder in place of the video decoder.
   * `options.container` means nothing here; `undecodable-image` in place of `undecodable-video`.
   */
  readonly openImage: OpenSession;
};

/** How clients reach the server. */
export type Transport =
  | { readonly kind: 'insecure' }
  | {
      readonly kind: 'tls';
      /** PEM. */
      readonly certificate: Buffer;
      /** PEM. */
      readonly privateKey: Buffer;
      /** PEM of the authorities whose client certificates are required; null asks for none. */
      readonly clientAuthorities: Buffer | null;
    };

/** Options of `createServer`. */
export type ServerOptions = {
  readonly sessions: Sessions;
  /** The loaded models; the first is the default. */
  readonly models: readonly ModelInfo[];
  readonly limits?: Partial<ServerLimits>;
  /** Default: logs nothing. */
  readonly log?: Logger;
  /** Default: counts nothing. */
  readonly metrics?: ServerMetrics;
  /** Default: follows nothing. */
  readonly tracer?: Tracer;
  /** Default: insecure. */
  readonly transport?: Transport;
  /**
   * Says who every call but health checks is from, by `authorization: Bearer ...`; null or absent:
   * nothing is asked for.
   */
  readonly identify?: Identify | null;
  /** Predicts what a stream costs, in cores. Default: nothing, so that no load is refused. */
  readonly predictLoad?: PredictLoad;
  /** Pings that keep edge links open and find dead ones. Default: every 30 s, 10 s to answer. */
  readonly keepalive?: { readonly intervalMs: number; readonly timeoutMs: number };
};

/** What the handlers of one server share. */
export type ServerContext = {
  readonly sessions: Sessions;
  readonly models: readonly ModelInfo[];
  readonly limits: ServerLimits;
  readonly log: Logger;
  readonly metrics: ServerMetrics;
  readonly tracer: Tracer;
  readonly calls: CallRegistry;
  /** Who a call is from. */
  readonly principalOf: Doorkeeper['principalOf'];
  /** What the guard refused a call with while it was served. */
  readonly refusalOf: CallGuard['refusalOf'];
  readonly masks: MaskWorkers;
  /** What streams ask for together. */
  readonly load: LoadLedger;
  /** The objects that each name has. */
  readonly objects: ObjectLedger;
  readonly predictLoad: PredictLoad;
  readonly connections: ConnectionGuard;
};

/** The calls that are being served. */
export type CallRegistry = {
  /** Aborts with `shutting-down` when the grace period is over. */
  readonly shutdown: AbortSignal;
  /**
   * Takes a place.
   *
   * @param end ends the call where another one needs its place
   * @param principal whose call it is. Default: anyone's
   *
   * @throws SegmentationError `too-many-streams`, `shutting-down`.
   */
  enter(end: (reason: SegmentationError) => void, principal?: Principal): Place;
};

/** The place of one call; dispose it when the call is over. */
export type Place = Disposable & {
  readonly id: number;
  /** A frame was answered: the place is in use. */
  progress(): void;
  /** The client is waited for from now on, or is no more. */
  waits(isWaiting: boolean): void;
  /** Resolves when the server begins to drain; one promise a call, so that nothing outlives it. */
  readonly goingAway: Promise<void>;
};
