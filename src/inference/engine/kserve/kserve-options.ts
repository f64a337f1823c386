import type { GraphRole, Manifest } from '../../manifest.ts';

/** A model of an inference server. */
export type KserveModel = {
  /** Null: that of the model here and the graph, such as `maskstream-tiny-encoder`. */
  readonly name: string | null;
  /** Null: the server chooses. */
  readonly version: string | null;
};

/** Which graphs run on inference servers, and where those are. Can be sent to a worker. */
export type KserveOptions = {
  /** Servers with the same models, as `HOST:PORT`; at least one. */
  readonly addresses: readonly string[];
  /** Null: plaintext. */
  readonly tls: {
    /** PEM; null: the authorities that Node trusts. */
    readonly authorities: string | null;
  } | null;
  /** Bearer token of each call; null: none. */
  readonly token: string | null;
  /** Time that one call may take, the server's queue included, in milliseconds. */
  readonly deadlineMs: number;
  /** Longest that a run waits for a server that answers, retries included, in milliseconds. */
  readonly waitMs: number;
  /** Jobs under way at a time; each has at most one call in flight. */
  readonly maxCalls: number;
  /** Largest message, either way, in bytes; gRPC's own limit is 4 MiB. */
  readonly maxMessageBytes: number;
  /** Whether live streams run the graphs here while no server answers; otherwise they propagate. */
  readonly fallsBack: boolean;
  /** The model of each graph that does not run here. */
  readonly models: { readonly [role in GraphRole]?: KserveModel };
};

/** The model's name at a server. */
export function serverModelName(
  { name }: KserveModel,
  role: GraphRole,
  manifest: Pick<Manifest, 'name'>,
): string {
  return name ?? `${manifest.name}-${role}`;
}

/** The same for one worker. */
export type KserveSetup = KserveOptions & {
  /** Graphs that it asks for. */
  readonly roles: readonly GraphRole[];
};
