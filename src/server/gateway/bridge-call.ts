import { type Client, type ClientDuplexStream, Metadata, type StatusObject } from '@grpc/grpc-js';
import type { RawData, WebSocket } from 'ws';
import { readRetryAfterMs, statusDetailsTrailer } from '../../../clients/core/retry-status.ts';
import { SegmentationError } from '../../frame/errors.ts';
import { errorCodeTrailer, statusOfError } from '../error-status.ts';
import type { Logger } from '../logger.ts';
import { RequestQueue } from './request-queue.ts';

/** What one socket's call is made of. */
export type BridgeOptions = {
  /** gRPC path of the method. */
  readonly path: string;
  /** The method takes one message: the call half-closes by itself. */
  readonly oneRequest: boolean;
  /** Time for the socket's first message. */
  readonly firstMessageMs: number;
  /** Answer bytes that wait for the socket before the call waits for it. */
  readonly maxQueuedBytes: number;
  /** Time in which a socket whose answers wait must read something. */
  readonly readerTimeoutMs: number;
  readonly log: Logger;
  /** A gRPC connection to the server; the bridge closes it. */
  readonly connect: () => Client;
};

/** A call that is carried. */
export type BridgedCall = {
  /** Ends the call with this status; nothing more is read of the socket. */
  refuse(reason: SegmentationError): void;
};

/** A JSON control message of the browser. */
type Control =
  | { readonly type: 'open'; readonly token?: string }
  | { readonly type: 'end' }
  | { readonly type: 'invalid'; readonly problem: string };

const identity = (bytes: Buffer) => bytes;

/**
 * Carries one call between a WebSocket and the gRPC port. Binary messages are protobuf messages and
 * pass through unread. Text messages are control: the client's `open` (first, with its token) and
 * `end` (half-close), the server's last, `status`.
 *
 * Neither direction queues without bound: a call that takes nothing pauses the socket, a socket that
 * takes nothing pauses the call, and one that reads nothing for `readerTimeoutMs` is ended.
 */
export function bridgeCall(socket: WebSocket, options: BridgeOptions): BridgedCall {
  const bridge = new Bridge(socket, options);
  socket.on('message', (data, isBinary) => bridge.receive(data, isBinary));
  socket.on('close', () => bridge.hangUp());
  // Frames that are too large or malformed: ws closes the socket with the code that says so.
  socket.on('error', (error) => options.log.warn({ err: error }, 'socket failed'));
  return { refuse: (reason) => bridge.refuse(reason) };
}

class Bridge {
  readonly #socket: WebSocket;
  readonly #options: BridgeOptions;
  readonly #firstMessage: NodeJS.Timeout;
  #client: Client | null = null;
  #call: ClientDuplexStream<Buffer, Buffer> | null = null;
  #requests: RequestQueue | null = null;
  #token: string | null = null;
  #ended = false;
  #over = false;
  #queuedBytes = 0;
  #stalled: NodeJS.Timeout | null = null;

  constructor(socket: WebSocket, options: BridgeOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#firstMessage = setTimeout(
      () =>
        this.refuse(
          new SegmentationError(
            'deadline-exceeded',
            `expected a message within ${options.firstMessageMs} ms, got none`,
          ),
        ),
      options.firstMessageMs,
    );
  }

  receive(data: RawData, isBinary: boolean): void {
    if (this.#over) return;
    if (isBinary) {
      clearTimeout(this.#firstMessage);
      this.#forward(toBuffer(data));
      return;
    }
    const control = parseControl(toBuffer(data));
    if (control.type === 'invalid') this.#refuseMessage(control.problem);
    else if (control.type === 'end') this.#half();
    else this.#open(control.token ?? null);
  }

  /** What is still coming is not wanted: the peer may take as long for it as it likes. */
  refuse(reason: SegmentationError): void {
    this.#call?.cancel();
    this.#finish(statusOfError(reason));
    this.#socket.pause();
  }

  /** The browser is gone. */
  hangUp(): void {
    clearTimeout(this.#firstMessage);
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    this.#call?.cancel();
    this.#client?.close();
    this.#over = true;
  }

  #open(token: string | null): void {
    if (this.#call !== null || this.#token !== null) {
      this.#refuseMessage('open must be the first message, got it later');
      return;
    }
    this.#token = token ?? '';
  }

  #forward(message: Buffer): void {
    if (this.#ended) {
      this.#refuseMessage('expected nothing after end, got a message');
      return;
    }
    this.#begun().push(message);
    if (this.#options.oneRequest) this.#half();
  }

  #half(): void {
    clearTimeout(this.#firstMessage);
    if (this.#ended) return;
    this.#ended = true;
    this.#begun().end();
  }

  #begun(): RequestQueue {
    this.#call ??= this.#start();
    return (this.#requests ??= new RequestQueue(this.#call, this.#socket));
  }

  #start(): ClientDuplexStream<Buffer, Buffer> {
    const metadata = new Metadata();
    if (this.#token !== null && this.#token !== '') {
      metadata.set('authorization', `Bearer ${this.#token}`);
    }
    const client = (this.#client = this.#options.connect());
    const call = client.makeBidiStreamRequest(this.#options.path, identity, identity, metadata);
    call.on('data', (message: Buffer) => this.#send(message));
    // The status says the same.
    call.on('error', () => undefined);
    call.on('status', (end: StatusObject) => this.#finish(end));
    return call;
  }

  #send(message: Buffer): void {
    this.#queuedBytes += message.length;
    this.#socket.send(message, { binary: true }, () => this.#sent(message.length));
    if (this.#queuedBytes > this.#options.maxQueuedBytes && this.#stalled === null) {
      this.#call?.pause();
      this.#watchReader();
    }
  }

  #sent(bytes: number): void {
    this.#queuedBytes -= bytes;
    if (this.#stalled === null || this.#over) return;
    clearTimeout(this.#stalled);
    this.#stalled = null;
    if (this.#queuedBytes > this.#options.maxQueuedBytes) this.#watchReader();
    else this.#call?.resume();
  }

  #watchReader(): void {
    this.#stalled = setTimeout(() => {
      this.#options.log.warn({}, 'socket reads nothing');
      this.#socket.terminate();
    }, this.#options.readerTimeoutMs);
  }

  #finish({ code, details, metadata }: StatusObject): void {
    const [errorCode] = metadata.get(errorCodeTrailer);
    const [hint] = metadata.get(statusDetailsTrailer);
    const retryAfterMs = Buffer.isBuffer(hint) ? readRetryAfterMs(hint) : null;
    this.#last({
      code,
      message: details,
      ...(errorCode === undefined ? {} : { error_code: String(errorCode) }),
      ...(retryAfterMs === null ? {} : { retry_after_ms: retryAfterMs }),
    });
  }

  /** A message that is none of those that may come here. */
  #refuseMessage(problem: string): void {
    this.#call?.cancel();
    this.#finish(statusOfError(new SegmentationError('malformed-message', problem)));
  }

  #last(end: {
    code: number;
    message: string;
    error_code?: string;
    retry_after_ms?: number;
  }): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#firstMessage);
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    this.#client?.close();
    this.#socket.resume();
    this.#socket.send(JSON.stringify({ type: 'status', ...end }));
    this.#socket.close(1000);
  }
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** Longest control message: a token is the longest thing in one. */
const maxControlBytes = 8192;

function invalidControl(got: string): Control {
  const expected = 'a text message must be {"type":"open"} or {"type":"end"}';
  return { type: 'invalid', problem: `${expected}, got ${got}; protobuf messages are binary` };
}

function parseControl(bytes: Buffer): Control {
  if (bytes.length > maxControlBytes) return invalidControl(`${bytes.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return invalidControl('no JSON');
  }
  if (typeof value !== 'object' || value === null || !('type' in value))
    return invalidControl('no type');
  if (value.type === 'end') return { type: 'end' };
  if (value.type !== 'open') return invalidControl('another type');
  if (!('token' in value)) return { type: 'open' };
  return typeof value.token === 'string'
    ? { type: 'open', token: value.token }
    : invalidControl('a token that is no string');
}
