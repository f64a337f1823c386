import { createSecureContext } from 'node:tls';
import {
  type CallOptions,
  type ChannelCredentials,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { SegmentImageResponse } from '../../src/gen/maskstream/v1/image.ts';
import type { Model } from '../../src/gen/maskstream/v1/model.ts';
import { SegmentationServiceClient } from '../../src/gen/maskstream/v1/segmentation_service.ts';
import { askServers } from './ask-servers.ts';
import { attended } from './deferred.ts';
import { MaskstreamError } from '../core/maskstream-error.ts';
import {
  configMessage,
  imageMessage,
  type ImageOptions,
  type VideoConfig,
} from '../core/requests.ts';
import type { ResumingCallOptions } from '../core/resume/resumable-call.ts';
import { openGrpcCall } from './grpc-call.ts';
import { VideoStream, type VideoStreamOptions } from './video-stream.ts';

/** How to reach a server. */
export type ConnectOptions = {
  /** Default: no encryption. An empty object trusts Node's authorities and NODE_EXTRA_CA_CERTS. */
  readonly tls?: {
    /** PEM of the authorities to trust instead. */
    readonly authorities?: Buffer;
    /** PEM, for a server that asks for client certificates. */
    readonly certificate?: Buffer;
    /** PEM. */
    readonly privateKey?: Buffer;
  };
  /** Sent as `authorization: Bearer ...`. */
  readonly token?: string;
  /**
   * Calls wait for a server that is not there yet, or no longer, up to their own deadline. Default:
   * false, they fail at once with `unreachable`.
   */
  readonly waitForReady?: boolean;
  /** Largest message either way in bytes; LimitInfo states the server's. Default: 32 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * How a video stream goes on where its server dies or goes away: at the next address, or the same
   * one. Default: see {@link ResumeSettings}; false ends it with its first call.
   */
  readonly resume?: false | ResumeSettings;
};

/** Bounds of going on elsewhere; everything has a default. */
export type ResumeSettings = Omit<ResumingCallOptions, 'servers' | 'resumes'>;

/** Bounds of one call. */
export type CallBounds = {
  /** Ends the call with DEADLINE_EXCEEDED. Default: no deadline. */
  readonly timeoutMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
};

/** What a video stream may have of its own. */
export type StreamBounds = CallBounds & Pick<ConnectOptions, 'resume'>;

type Done<T> = (error: ServiceError | null, response: T) => void;
type Droppable = { cancel(): void };

/** A connection, opened by its first call. Close it when done. */
export type SegmentationClient = Disposable & {
  /**
   * Opens a video stream; its own `resume` stands in place of the connection's. Throws
   * {@link MaskstreamError} `invalid-config` for a misspelt setting.
   */
  segmentVideo(config: VideoConfig, options?: VideoStreamOptions & StreamBounds): VideoStream;
  /**
   * Segments one picture. Asked again, of the next server first, where that may help: three times at
   * most, or once of each server, within one deadline (docs/errors.md).
   */
  segmentImage(options: ImageOptions, bounds?: CallBounds): Promise<SegmentImageResponse>;
  /** The server's models, the default one first. Asked again as `segmentImage` is. */
  listModels(bounds?: CallBounds): Promise<Model[]>;
  /** Resolves when the server can be reached; connecting is tried again at most 5 s apart. */
  ready(bounds?: CallBounds): Promise<void>;
  /** Closes the connection; calls that are under way go on to their end. */
  close(): void;
};

// gRPC's own 4 MiB is less than a large PNG or the resume state of many objects.
const defaultMaxMessageBytes = 32 * 1024 * 1024;

// gRPC's own 64 KiB, of all streams of a connection, are one window a round trip: less than the masks of
// some cameras over a slow one.
const receiveWindowBytes = 1024 * 1024;

// gRPC's own pause grows to two minutes: long after a server is back.
const maxReconnectPauseMs = 5_000;
const firstReconnectPauseMs = 200;

/**
 * Connects to a server.
 *
 * @param address `host:port`; of several, video streams go on at the others, and single calls are asked
 *   of them, where one dies or has no room
 */
export function connect(
  address: string | readonly string[],
  options: ConnectOptions = {},
): SegmentationClient {
  const addresses = typeof address === 'string' ? [address] : address;
  const clients = addresses.map((one) => openClient(one, options));
  const [client] = clients;
  if (client === undefined)
    throw new MaskstreamError('invalid-config', 'expected an address, got none');
  const metadata = () => {
    const headers = new Metadata({ waitForReady: options.waitForReady ?? false });
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    return headers;
  };
  const askAny = <T>(
    bounds: CallBounds,
    start: (one: SegmentationServiceClient, call: CallOptions, done: Done<T>) => Droppable,
  ): Promise<T> => {
    // One deadline for all attempts.
    const call = callOptions(bounds);
    const { deadline = null } = call;
    const servers = clients.map((one) => (done: Done<T>) => start(one, call, done));
    return askServers(servers, { deadlineMs: deadline, signal: bounds.signal });
  };
  const close = () => clients.forEach((one) => one.close());
  return {
    segmentVideo(config, streamOptions = {}) {
      const first = configMessage(config);
      // One for all calls of the stream.
      const bounds = callOptions(streamOptions);
      const servers = clients.map((one) =>
        openGrpcCall(() => one.segmentVideo(metadata(), bounds)),
      );
      const resume = streamOptions.resume ?? options.resume ?? {};
      const calls = resume === false ? { servers, resumes: false } : { ...resume, servers };
      const stream = new VideoStream(first, calls, streamOptions);
      const stop = cancelOnAbort(stream, streamOptions.signal);
      stream.summary.then(stop, stop);
      return stream;
    },
    segmentImage: (image, bounds = {}) =>
      attended(
        askAny(bounds, (one, call, done: Done<SegmentImageResponse>) =>
          one.segmentImage(imageMessage(image), metadata(), call, done),
        ),
      ),
    listModels: async (bounds = {}) => {
      const { models } = await askAny(bounds, (one, call, done: Done<{ models: Model[] }>) =>
        one.listModels({}, metadata(), call, done),
      );
      return models;
    },
    ready: (bounds = {}) => attended(waitUntilReady(client, bounds)),
    close,
    [Symbol.dispose]: close,
  };
}

function openClient(
  address: string,
  { maxMessageBytes = defaultMaxMessageBytes, tls }: ConnectOptions,
): SegmentationServiceClient {
  return new SegmentationServiceClient(address, credentialsOf(tls), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc-node.flow_control_window': receiveWindowBytes,
    // gRPC would ask the DNS server for a TXT record of every host, localhost too.
    'grpc.service_config_disable_resolution': 1,
    'grpc.initial_reconnect_backoff_ms': firstReconnectPauseMs,
    'grpc.min_reconnect_backoff_ms': firstReconnectPauseMs,
    'grpc.max_reconnect_backoff_ms': maxReconnectPauseMs,
  });
}

function waitUntilReady(
  client: SegmentationServiceClient,
  { timeoutMs, signal }: CallBounds,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new MaskstreamError('cancelled', 'the caller stopped waiting'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    client.waitForReady(timeoutMs === undefined ? Infinity : Date.now() + timeoutMs, (error) => {
      signal?.removeEventListener('abort', abort);
      if (error === undefined) resolve();
      else reject(new MaskstreamError('deadline-exceeded', 'no server was reached in time'));
    });
  });
}

function callOptions({ timeoutMs }: CallBounds): CallOptions & { readonly deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** Returns what undoes the link. */
function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  const cancel = () => call.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  return () => signal?.removeEventListener('abort', cancel);
}

function credentialsOf(tls: ConnectOptions['tls']): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { authorities, certificate, privateKey } = tls;
  // Not createSsl: it would trust the file of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, where that is set, in
  // place of Node's authorities and those of NODE_EXTRA_CA_CERTS.
  const context = createSecureContext({
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
  });
  return credentials.createFromSecureContext(context);
}
