import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { SegmentationError } from '../../frame/errors.ts';
import { ReceivedBytes } from '../admission/received-bytes.ts';
import type { ServerLimits } from '../server-limits.ts';

type Limits = Pick<
  ServerLimits,
  'maxConnectionBytes' | 'maxReceivedBytes' | 'requestTimeoutMs' | 'minRequestBytesPerSecond'
>;

/** What one socket is watched for. */
export type WatchedSocket = {
  readonly socket: WebSocket;
  /** The connection below it. */
  readonly connection: Socket;
  /** Most bytes of one message. */
  readonly maxBytes: number;
  /** Called once, with the reason; `expected` and `got` are in its message. */
  readonly onRefused: (reason: SegmentationError) => void;
};

/** Watches what sockets send before their calls can; dispose it with the gateway. */
export type MessageGuard = Disposable & { watch(watched: WatchedSocket): void };

/** Unfinished messages are looked at this often. */
const lookMs = 1000;

/** A ping or pong of a client: two bytes of header, four of mask, and what it holds. */
const controlFrameBytes = 6;

/**
 * Bounds what sockets buffer without end, as `guardCalls` does for the gRPC port: the bytes of one
 * message, of unfinished messages on all sockets, and the time in which a message must come.
 */
export function guardMessages(limits: Limits): MessageGuard {
  const received = new ReceivedBytes({
    maxConnectionBytes: limits.maxConnectionBytes,
    maxServerBytes: limits.maxReceivedBytes,
  });
  const watched = new Set<UnfinishedMessage>();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const one of watched) one.look(nowMs);
  }, lookMs);
  timer.unref();
  return {
    watch: (options) => {
      const one = new UnfinishedMessage(options, limits, received);
      watched.add(one);
      options.socket.once('close', () => {
        watched.delete(one);
        one.close();
      });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** The message of one socket that has begun and not come whole. */
class UnfinishedMessage {
  readonly #watched: WatchedSocket;
  readonly #limits: Limits;
  readonly #received: ReceivedBytes;
  #bytes = 0;
  #sinceMs = performance.now();
  #refused = false;

  constructor(watched: WatchedSocket, limits: Limits, received: ReceivedBytes) {
    this.#watched = watched;
    this.#limits = limits;
    this.#received = received;
    const { socket, connection } = watched;
    // Before the socket's own listener, which tells of the messages that end in this data.
    connection.prependListener('data', (data: Buffer) => this.#count(this.#bytes + data.length));
    socket.on('message', () => this.#begin());
    const notCounted = (data: Buffer): void =>
      this.#count(Math.max(0, this.#bytes - controlFrameBytes - data.length));
    socket.on('ping', notCounted);
    socket.on('pong', notCounted);
  }

  /** Refuses a message that takes too long to come. */
  look(nowMs: number): void {
    // Time in which nobody reads is the server's own.
    if (this.#bytes === 0 || this.#watched.socket.isPaused) {
      this.#sinceMs = nowMs;
      return;
    }
    const { requestTimeoutMs, minRequestBytesPerSecond } = this.#limits;
    const bytesMs = (this.#bytes / minRequestBytesPerSecond) * 1000;
    if (nowMs - this.#sinceMs <= requestTimeoutMs + bytesMs) return;
    this.#refuse(
      new SegmentationError(
        'deadline-exceeded',
        `message must come within ${requestTimeoutMs} ms and at ${minRequestBytesPerSecond} bytes a second`,
      ),
    );
  }

  /** Gives up what is counted. */
  close(): void {
    this.#refused = true;
    this.#received.add(this.#watched.connection, -this.#bytes);
    this.#bytes = 0;
  }

  /** A message is complete; what came behind it in the same read is not counted. */
  #begin(): void {
    this.#count(0);
    this.#sinceMs = performance.now();
  }

  #count(bytes: number): void {
    if (this.#refused) return;
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    try {
      this.#received.add(this.#watched.connection, more);
      const { maxBytes } = this.#watched;
      if (bytes <= maxBytes + frameBytes(maxBytes)) return;
      const message = `message of this method must have at most ${maxBytes} bytes`;
      throw new SegmentationError('request-too-large', `${message}, got more`);
    } catch (reason) {
      this.#refuse(SegmentationError.from(reason));
    }
  }

  #refuse(reason: SegmentationError): void {
    if (this.#refused) return;
    this.#watched.onRefused(reason);
    this.close();
  }
}

/** What frames may add to a message: browsers send large ones in parts of 128 KiB. */
function frameBytes(messageBytes: number): number {
  return 64 * 1024 + Math.ceil(messageBytes / 1024) * 14;
}
