import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type Server,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerMethodDefinition,
} from '@grpc/grpc-js';
import { SegmentationError } from '../../frame/errors.ts';
import { statusOfError } from '../error-status.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { ServerMetrics } from '../server-metrics.ts';
import { type CallHeaders, watchHeaders } from './call-headers.ts';
import { baseCallOf, type BaseCall } from './grpc-internals.ts';
import { MessageFrames } from './message-frames.ts';
import { hasPlace, maxBytesOf, servicePrefix } from './method-limits.ts';
import { OpenCalls } from './open-calls.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { prefixBytes, tryDecode, unpackMessage } from './unpack-message.ts';

/** Of a call without a place: reflection answers whatever comes, whether anybody reads or not. */
const maxOtherRequests = 1000;

/** Unfinished requests are looked at this often. */
const lookMs = 1000;

type Limits = Pick<
  ServerLimits,
  | 'maxRequestBytes'
  | 'maxUnpackRatio'
  | 'maxConnectionBytes'
  | 'maxReceivedBytes'
  | 'requestTimeoutMs'
  | 'minRequestBytesPerSecond'
  | 'maxOtherCalls'
>;

/** A call that is refused here and that no handler sees. */
type OnRefused = (
  call: { readonly peer: string; readonly method: string; readonly metadata: Metadata | null },
  error: SegmentationError,
) => void;

/** Watches what calls send before a handler can; dispose it with the server. */
export type CallGuard = Disposable & {
  readonly interceptor: ServerInterceptor;
  /** Looks at the headers of calls of a server that listens. */
  watch(server: Server): void;
  /**
   * What a call was refused with here, by the metadata that its handler got; null where it was not. Its
   * client gets that status, whatever the handler ends with.
   */
  readonly refusalOf: (metadata: Metadata) => SegmentationError | null;
};

/**
 * Bounds what grpc-js would buffer, unpack or wait for without end: a limit of bytes for each method,
 * of packing, of headers, of unfinished requests on a connection and on the server, of calls that have no
 * place, and a time in which a request must come. A refused call is reset at once; one that streams is
 * answered first as far as it came, but for a request that is late. Must be the first interceptor.
 */
export function guardCalls(
  limits: Limits,
  { metrics, onRefused }: { readonly metrics: ServerMetrics; readonly onRefused: OnRefused },
): CallGuard {
  const headers = watchHeaders();
  const others = new OpenCalls(limits.maxOtherCalls);
  const received = new ReceivedBytes({
    maxConnectionBytes: limits.maxConnectionBytes,
    maxServerBytes: limits.maxReceivedBytes,
  });
  const unfinished = new Set<WatchedCall>();
  const calls = new WeakMap<Metadata, WatchedCall>();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const call of unfinished) call.look(nowMs);
  }, lookMs);
  timer.unref();
  return {
    interceptor: (method, call) => {
      const base = baseCallOf(call);
      let known: Metadata | null = null;
      const refused = (error: SegmentationError) =>
        onRefused({ peer: call.getPeer(), method: method.path, metadata: known }, error);
      const watched = new WatchedCall(base, { method, limits, received, metrics, refused });
      unfinished.add(watched);
      watched.onceOver(() => unfinished.delete(watched));
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, next) => {
          known = metadata;
          calls.set(metadata, watched);
          if (watched.admit(headers, others)) next(metadata);
        })
        .build();
      const responder = new ResponderBuilder().withStart((next) => next(listener)).build();
      return new ServerInterceptingCall(call, responder);
    },
    watch: (server) => headers.watch(server),
    refusalOf: (metadata) => calls.get(metadata)?.refusal ?? null,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** One call, as far as its request is concerned. */
class WatchedCall {
  readonly #base: BaseCall;
  readonly #stream: ServerHttp2Stream;
  readonly #limits: Limits;
  readonly #maxBytes: number;
  /** A single request is complete only when the client half-closes: it waits in memory until then. */
  readonly #isSingle: boolean;
  readonly #received: ReceivedBytes;
  readonly #metrics: ServerMetrics;
  readonly #hasPlace: boolean;
  readonly #refused: (error: SegmentationError) => void;
  readonly #frames = new MessageFrames();
  /** Of the connection; the stream forgets its own when it closes. */
  readonly #session: object;
  #isAdmitted = false;
  #countedBytes = 0;
  #waitingSinceMs = performance.now();
  #messagesSeen = 0;
  /** Its status is sent in place of that of the call's handler. */
  #refusal: SegmentationError | null = null;

  constructor(
    base: BaseCall,
    options: {
      readonly method: ServerMethodDefinition<unknown, unknown>;
      readonly limits: Limits;
      readonly received: ReceivedBytes;
      readonly metrics: ServerMetrics;
      /** Told of a refusal before the call's handler. */
      readonly refused: (error: SegmentationError) => void;
    },
  ) {
    const { method, limits, received, metrics, refused } = options;
    this.#base = base;
    this.#stream = base.stream;
    this.#session = base.stream.session ?? base.stream;
    this.#limits = limits;
    this.#maxBytes = maxBytesOf(method.path, limits);
    this.#isSingle = !method.requestStream;
    this.#received = received;
    this.#metrics = metrics;
    this.#hasPlace = hasPlace(method.path);
    this.#refused = refused;
    this.#stream.prependListener('data', (data: Buffer) => this.#take(data));
    this.onceOver(() => this.#count(0));
    this.#checkMessages(method);
    this.#resetWithStatus();
  }

  get refusal(): SegmentationError | null {
    return this.#refusal;
  }

  /** Whether the call may begin; it is refused where not. */
  admit(headers: CallHeaders, others: OpenCalls): boolean {
    try {
      headers.check(this.#stream);
      if (!this.#hasPlace) this.#stream.once('close', others.enter(this.#session));
      this.#isAdmitted = true;
    } catch (reason) {
      this.#refuse(reason);
    }
    return this.#isAdmitted;
  }

  /** Calls `listener` when the request is complete for good, or the call is gone. */
  onceOver(listener: () => void): void {
    this.#stream.once('end', listener);
    this.#stream.once('close', listener);
  }

  /** Refuses a request that takes too long to come. */
  look(nowMs: number): void {
    const { messages, unfinishedBytes } = this.#frames;
    const waits = this.#isSingle || messages === 0 || unfinishedBytes > 0;
    // Time in which nobody reads is the server's own.
    if (!waits || messages > this.#messagesSeen || this.#stream.isPaused()) {
      this.#messagesSeen = messages;
      this.#waitingSinceMs = nowMs;
      return;
    }
    const { requestTimeoutMs, minRequestBytesPerSecond } = this.#limits;
    const bytesMs = (this.#countedBytes / minRequestBytesPerSecond) * 1000;
    if (nowMs - this.#waitingSinceMs <= requestTimeoutMs + bytesMs) return;
    this.#refuse(
      new SegmentationError(
        'deadline-exceeded',
        `request must come within ${requestTimeoutMs} ms and at ${minRequestBytesPerSecond} bytes a second`,
      ),
    );
  }

  #take(data: Buffer): void {
    if (this.#refusal !== null) return;
    const tooLarge = this.#frames.push(data, this.#maxBytes);
    const { unfinishedBytes, messages } = this.#frames;
    try {
      this.#count(this.#isSingle ? this.#countedBytes + data.length : unfinishedBytes);
      if (!this.#hasPlace && messages > maxOtherRequests) throw tooManyRequests();
      if (tooLarge === null) return;
      const message = `request of this method must have at most ${this.#maxBytes} bytes`;
      throw new SegmentationError('request-too-large', `${message}, got ${tooLarge.length}`);
    } catch (reason) {
      if (this.#isSingle) this.#refuse(reason);
      else {
        const whole = tooLarge?.begins ?? Math.max(0, data.length - unfinishedBytes);
        this.#endInput(reason, data.subarray(0, whole));
      }
    }
  }

  #count(bytes: number): void {
    const more = bytes - this.#countedBytes;
    this.#countedBytes = bytes;
    if (more !== 0) this.#received.add(this.#session, more);
  }

  /**
   * Ends what a streamed call's handler reads, so that it answers what came before and sums up; its
   * status becomes the refusal. Nobody reads on.
   *
   * @param before what came in the same read as the request that is refused, and before it
   */
  #endInput(reason: unknown, before: Buffer): void {
    this.#refusal = SegmentationError.from(reason);
    this.#metrics.refused(this.#refusal.code);
    this.#count(0);
    if (before.length > 0) this.#base.handleDataFrame(before);
    this.#base.handleEndEvent();
    this.#base.handleDataFrame = nothing;
    this.#base.handleEndEvent = nothing;
  }

  #refuse(reason: unknown): void {
    if (this.#refusal !== null) return;
    this.#refusal = SegmentationError.from(reason);
    this.#metrics.refused(this.#refusal.code);
    this.#base.sendStatus(statusOfError(this.#refusal));
    if (!this.#isHandled) this.#refused(this.#refusal);
  }

  /** Whether the call has a handler by now, which has its line in the log. */
  get #isHandled(): boolean {
    return this.#isAdmitted && !this.#isSingle;
  }

  /** What goes wrong in here ends the call with the status that is thrown. */
  #checkMessages({ path, requestDeserialize }: ServerMethodDefinition<unknown, unknown>): void {
    const unpack = { maxBytes: this.#maxBytes, maxRatio: this.#limits.maxUnpackRatio };
    this.#base.decompressMessage = async (message, encoding) => {
      try {
        const content =
          encoding === 'identity'
            ? message.subarray(prefixBytes)
            : await unpackMessage(message, encoding, unpack);
        // Services of others throw in the middle of grpc-js, which calls that INTERNAL.
        if (!path.startsWith(servicePrefix)) tryDecode(content, requestDeserialize);
        return content;
      } catch (reason) {
        if (!this.#isHandled) this.#refused(SegmentationError.from(reason));
        throw statusOfError(reason);
      }
    };
  }

  /** A client that goes on sending after its status would be read for nothing. */
  #resetWithStatus(): void {
    const send = this.#base.sendStatus.bind(this.#base);
    this.#base.sendStatus = (status) => {
      const stream = this.#stream;
      // Behind answers the status goes as trailers, which wait until those have left.
      const sent = stream.headersSent ? 'wantTrailers' : 'finish';
      send(this.#refusal === null ? status : statusOfError(this.#refusal));
      if (stream.readableEnded || stream.destroyed) return;
      stream.once(sent, () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)));
    };
  }
}

function nothing(): void {}

function tooManyRequests(): SegmentationError {
  const message = `call of this method must have at most ${maxOtherRequests} requests, got more`;
  return new SegmentationError('request-too-large', message);
}
