import { setTimeout as wait } from 'node:timers/promises';
import { SegmentationError } from '../../frame/errors.ts';
import type { CallSignal } from '../call-signal.ts';
import type { VideoCall } from '../video-service.ts';
import type { ClientPatience } from './client-patience.ts';
import type { MessagePace } from './message-pace.ts';
import type { Received, VideoMessage } from './received-request.ts';

/** Options of {@link readRequests}. */
export type ReadOptions = {
  readonly callSignal: CallSignal;
  /** For how long the client is waited for. */
  readonly patience: ClientPatience;
  /** How many messages are taken in a second. */
  readonly pace: MessagePace;
  /** Told when the client is waited for, and when no more. */
  readonly onWait: (isWaiting: boolean) => void;
};

/**
 * A call's requests, taken from gRPC only when asked for, which is what holds the client back. Once
 * the call is being ended there are no more; rejects when the call's signal aborts first.
 *
 * The stream's own iterator will not do: it destroys the call when its reader leaves, and (1.14.7,
 * Node 20) also when a status is emitted while a read is pending, so that the status is lost.
 */
export async function* readRequests(
  call: VideoCall,
  { callSignal, patience, pace, onWait }: ReadOptions,
): AsyncGenerator<Received<VideoMessage>, void, undefined> {
  const { signal } = callSignal;
  let wake: (() => void) | null = null;
  const events = ['readable', 'end', 'close', 'error'] as const;
  for (const event of events) call.on(event, () => wake?.());
  signal.addEventListener('abort', () => wake?.(), { once: true });
  const forClient = async (until: Promise<void>): Promise<void> => {
    const stop = watch(patience, (reason) => callSignal.abort(reason));
    onWait(true);
    await until;
    onWait(false);
    stop();
  };
  for (;;) {
    if (signal.aborted && !call.writableEnded) throw SegmentationError.from(signal.reason);
    const request = call.read() as Received<VideoMessage> | null;
    if (request !== null) {
      patience.received(videoBytes(request));
      const pauseMs = pace.take();
      // Who sends more than is taken, and no video, is waited for as who sends nothing is.
      if (pauseMs > 0) await forClient(wait(pauseMs));
      yield request;
    } else {
      if (call.readableEnded || call.writableEnded || call.destroyed) return;
      await forClient(new Promise<void>((resolve) => (wake = resolve)));
    }
  }
}

/** Ends the call when its client has been waited for long enough; returns what ends the wait. */
function watch(patience: ClientPatience, end: (reason: SegmentationError) => void): () => void {
  patience.waits(true);
  const idleAtMs = performance.now() + patience.idleTimeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const idleMs = idleAtMs - performance.now();
    // Grows where a frame is answered meanwhile.
    const stallMs = patience.stallLeftMs();
    if (idleMs <= 0) end(idle(patience.idleTimeoutMs));
    else if (stallMs <= 0) end(stalled(patience.stallTimeoutMs));
    else timer = setTimeout(look, Math.ceil(Math.min(idleMs, stallMs)));
  };
  look();
  return () => {
    clearTimeout(timer);
    patience.waits(false);
  };
}

function videoBytes(request: Received<VideoMessage>): number {
  return request.kind === 'request' && request.message.kind === 'video_chunk'
    ? request.message.chunk.data.length
    : 0;
}

function idle(idleTimeoutMs: number): SegmentationError {
  const message = `client must send something or half-close, sent nothing for ${idleTimeoutMs} ms`;
  return new SegmentationError('deadline-exceeded', message);
}

function stalled(stallTimeoutMs: number): SegmentationError {
  const message = `client must send video, was waited for ${stallTimeoutMs} ms for a second of it`;
  return new SegmentationError('deadline-exceeded', message);
}
