import { SegmentationError } from '../../frame/errors.ts';
import type { CallSignal } from '../call-signal.ts';
import type { VideoCall } from '../video-service.ts';
import type { Received, VideoMessage } from './received-request.ts';

/** Options of {@link readRequests}. */
export type ReadOptions = {
  readonly callSignal: CallSignal;
  /** Time in which a client that is waited for must send something. */
  readonly idleTimeoutMs: number;
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
  { callSignal, idleTimeoutMs }: ReadOptions,
): AsyncGenerator<Received<VideoMessage>, void, undefined> {
  const { signal } = callSignal;
  let wake: (() => void) | null = null;
  const events = ['readable', 'end', 'close', 'error'] as const;
  for (const event of events) call.on(event, () => wake?.());
  signal.addEventListener('abort', () => wake?.(), { once: true });
  for (;;) {
    if (signal.aborted && !call.writableEnded) throw SegmentationError.from(signal.reason);
    const request = call.read() as Received<VideoMessage> | null;
    if (request !== null) {
      yield request;
    } else {
      if (call.readableEnded || call.writableEnded || call.destroyed) return;
      const timer = setTimeout(() => callSignal.abort(idle(idleTimeoutMs)), idleTimeoutMs);
      await new Promise<void>((resolve) => (wake = resolve));
      clearTimeout(timer);
    }
  }
}

function idle(idleTimeoutMs: number): SegmentationError {
  const message = `client must send something or half-close, sent nothing for ${idleTimeoutMs} ms`;
  return new SegmentationError('deadline-exceeded', message);
}
