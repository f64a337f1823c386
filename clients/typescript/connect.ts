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
import { CallFailed } from './errors.ts';
import { imageMessage, type ImageOptions, type VideoConfig } from './requests.ts';
import { VideoStream, type VideoStreamOptions } from './video-stream.ts';

/** How to reach a server. */
export type ConnectOptions = {
  /** Default: no encryption. An empty object trusts the system's authorities. */
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
  /** Largest message either way in bytes; LimitInfo states the server's. Default: 32 MiB. */
  readonly maxMessageBytes?: number;
};

/** Bounds of one call. */
export type CallBounds = {
  /** Ends the call with DEADLINE_EXCEEDED. Default: no deadline. */
  readonly timeoutMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
};

/** A connection, opened by its first call. Close it when done. */
export type SegmentationClient = Disposable & {
  /** Opens a video stream. */
  segmentVideo(config: VideoConfig, options?: VideoStreamOptions & CallBounds): VideoStream;
  /** Segments one picture. */
  segmentImage(options: ImageOptions, bounds?: CallBounds): Promise<SegmentImageResponse>;
  /** The server's models, the default one first. */
  listModels(bounds?: CallBounds): Promise<Model[]>;
  /** Closes the connection; calls that are under way go on to their end. */
  close(): void;
};

// gRPC's own 4 MiB is less than a large PNG or the resume state of many objects.
const defaultMaxMessageBytes = 32 * 1024 * 1024;

/**
 * Connects to a server.
 *
 * @param address `host:port`
 */
export function connect(address: string, options: ConnectOptions = {}): SegmentationClient {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const client = new SegmentationServiceClient(address, credentialsOf(options.tls), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    // gRPC would ask the DNS server for a TXT record of every host, localhost too.
    'grpc.service_config_disable_resolution': 1,
  });
  const metadata = () => {
    const headers = new Metadata();
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    return headers;
  };
  return {
    segmentVideo(config, streamOptions = {}) {
      const call = client.segmentVideo(metadata(), callOptions(streamOptions));
      const stream = new VideoStream(call, config, streamOptions);
      const stop = cancelOnAbort(stream, streamOptions.signal);
      call.on('status', stop);
      return stream;
    },
    segmentImage: (image, bounds = {}) =>
      unary(bounds, (done) =>
        client.segmentImage(imageMessage(image), metadata(), callOptions(bounds), done),
      ),
    listModels: async (bounds = {}) => {
      const { models } = await unary<{ models: Model[] }>(bounds, (done) =>
        client.listModels({}, metadata(), callOptions(bounds), done),
      );
      return models;
    },
    close: () => client.close(),
    [Symbol.dispose]: () => client.close(),
  };
}

function unary<T>(
  { signal }: CallBounds,
  start: (done: (error: ServiceError | null, response: T) => void) => { cancel(): void },
): Promise<T> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | null = null;
    const call = start((error, response) => {
      stop?.();
      if (error === null) resolve(response);
      else reject(new CallFailed(error));
    });
    stop = cancelOnAbort(call, signal);
  });
}

function callOptions({ timeoutMs }: CallBounds): CallOptions {
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
  return credentials.createSsl(tls.authorities, tls.privateKey, tls.certificate);
}
