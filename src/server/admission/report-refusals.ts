import type { SegmentationError } from '../../frame/errors.ts';
import type { Logger } from '../logger.ts';

const logIntervalMs = 1000;

/** A call that no handler saw. */
export type RefusedCall = {
  readonly peer: string;
  readonly method: string;
  /** The caller's name, where it is known by then. */
  readonly principal?: string;
};

/** Tells the log of a refused call, without what came as the token or the request. */
export type ReportRefusal = (call: RefusedCall, error: SegmentationError) => void;

/**
 * One line for a refused call, at most one a second: a flood of refused calls would be a flood of lines.
 * The next line counts the ones between.
 */
export function reportRefusals(log: Logger): ReportRefusal {
  let loggedMs = -Infinity;
  let unlogged = 0;
  return (call, { code, message }) => {
    const nowMs = performance.now();
    if (nowMs - loggedMs < logIntervalMs) {
      unlogged++;
      return;
    }
    log.warn({ ...call, code, reason: message, unlogged }, 'call refused');
    loggedMs = nowMs;
    unlogged = 0;
  };
}
