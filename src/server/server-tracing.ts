import type { ErrorCode } from '../frame/errors.ts';
import type { FrameResult } from '../pipeline/session-types.ts';
import type { CallKind } from './server-metrics.ts';

/** A call that is traced. */
export type CallSpan = {
  /** The model ran on a frame of it. */
  keyframe(result: FrameResult): void;
  /** The call is over; `fields` are those of its line in the log. Idempotent. */
  end(end: {
    readonly code: ErrorCode | 'ok';
    /** The server is at fault. */
    readonly isFault: boolean;
    readonly fields: object;
  }): void;
};

/** Who follows calls from one machine to the next. */
export type Tracer = {
  openCall(call: {
    readonly kind: CallKind;
    readonly peer: string;
    readonly principal: string;
    /** A header of the call, such as `traceparent`; undefined: it has none. */
    readonly header: (name: string) => string | undefined;
  }): CallSpan;
};

/** Follows nothing. */
export const silentTracer: Tracer = { openCall: () => ({ keyframe() {}, end() {} }) };
