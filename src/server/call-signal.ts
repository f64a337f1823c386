import { setMaxListeners } from 'node:events';
import { SegmentationError } from '../frame/errors.ts';
import { longestTimerMs } from '../frame/time.ts';

/** The part of a gRPC call that can end it from outside. */
type EndableCall = {
  readonly cancelled: boolean;
  on(event: 'cancelled', listener: () => void): unknown;
  getDeadline(): Date | number;
};

/** One signal for everything that ends a call early; its reason is a SegmentationError. */
export type CallSignal = Disposable & {
  readonly signal: AbortSignal;
  abort(reason: SegmentationError): void;
};

/**
 * Links hang-up, deadline and server shutdown. grpc-js tells a handler of a passed deadline only
 * when the status has left, which never happens while the client does not read: hence a timer here.
 * Dispose it when the call is over.
 */
export function linkCallSignal(call: EndableCall, shutdown: AbortSignal): CallSignal {
  const controller = new AbortController();
  // Each mask of a request listens while it is read: 32 are no leak.
  setMaxListeners(64, controller.signal);
  const abort = (reason: SegmentationError) => controller.abort(reason);
  const hangUp = () => abort(new SegmentationError('cancelled', 'the client cancelled the call'));
  const shutDown = () => controller.abort(shutdown.reason);
  call.on('cancelled', hangUp);
  if (call.cancelled) hangUp();
  if (shutdown.aborted) shutDown();
  else shutdown.addEventListener('abort', shutDown, { once: true });
  const timer = startDeadline(call.getDeadline(), abort);
  return {
    signal: controller.signal,
    abort,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      shutdown.removeEventListener('abort', shutDown);
    },
  };
}

function startDeadline(
  deadline: Date | number,
  abort: (reason: SegmentationError) => void,
): NodeJS.Timeout | undefined {
  const remainingMs = Number(deadline) - Date.now();
  if (!(remainingMs < longestTimerMs)) return undefined;
  const pass = () =>
    abort(new SegmentationError('deadline-exceeded', 'the deadline of the call has passed'));
  return setTimeout(pass, Math.max(0, remainingMs));
}
