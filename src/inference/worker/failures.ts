import { SegmentationError } from '../../frame/errors.ts';
import type { FromWorker } from './messages.ts';

/** What a worker said of a job that failed. */
export function failed({
  code,
  message,
}: Extract<FromWorker, { kind: 'failed' }>): SegmentationError {
  return new SegmentationError(
    code,
    code === 'model-failed' ? `model failed: ${message}` : message,
  );
}

/** Workers died under a call, or could not be started for it. */
export function died(how: string, cause: unknown): SegmentationError {
  return new SegmentationError('worker-died', `the inference worker died ${how}`, { cause });
}

/** The queue takes nothing any more. */
export function closedError(): SegmentationError {
  return new SegmentationError('shutting-down', 'the model is closed');
}

/** Whoever called wants no answer any more. */
export function cancelled(signal: AbortSignal): SegmentationError {
  return new SegmentationError('cancelled', 'the call was cancelled', { cause: signal.reason });
}
