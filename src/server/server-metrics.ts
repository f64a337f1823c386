import type { ErrorCode } from '../frame/errors.ts';
import type { FrameResult, SessionEvent, SessionSummary } from '../pipeline/session-types.ts';

/** What a call asks for. */
export type CallKind = 'video' | 'image';

/** Threads that are replaced when they die. */
export type WorkerKind = 'encoder' | 'decoder' | 'refiner' | 'tracker';

/**
 * How a call of an inference server ends: answered; by a server that is gone, was too slow, gave an odd
 * answer or refused it; given up here.
 */
export const inferenceOutcomes = ['ok', 'gone', 'slow', 'odd', 'refused', 'cancelled'] as const;

/** Bounds of histograms of stages, in seconds: from the flow of a small frame to an overloaded keyframe. */
export const stageSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
] as const;

/** Those of calls of inference servers: from a small graph next door to the longest usual deadline. */
export const inferenceSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** One call of an inference server that is over. */
export type InferenceCall = {
  /** `HOST:PORT`. */
  readonly server: string;
  readonly graph: string;
  readonly outcome: (typeof inferenceOutcomes)[number];
  readonly ms: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
};

/** The inference servers that run some graphs of a model. */
export type InferenceServers = {
  readonly graphs: readonly string[];
  /** How each stands, asked for when somebody looks. */
  readonly states: () => readonly {
    readonly server: string;
    /** It gets probes in place of calls. */
    readonly isOut: boolean;
    readonly callsUnderWay: number;
  }[];
};

/** What the server tells whoever counts. Methods are called often and must be quick. */
export type ServerMetrics = {
  /** A call got a place. */
  callOpened(kind: CallKind): void;
  /** The same call is over. */
  callEnded(kind: CallKind, end: { readonly code: ErrorCode | 'ok'; readonly ms: number }): void;
  /** A call or connection was turned away before anything was done for it. */
  refused(reason: ErrorCode | 'too-many-connections'): void;
  /** A frame of a video was answered; revisions are not reported. */
  frame(result: FrameResult): void;
  /** A stream's totals, which hold frames after its last answer; `counted` are those reported. */
  summary(summary: SessionSummary, counted: CountedFrames): void;
  notice(notice: Extract<SessionEvent, { kind: 'notice' }>['notice']): void;
  prompt(answer: ErrorCode | 'accepted'): void;
  workerRestarted(worker: WorkerKind): void;
  inferenceCall(call: InferenceCall): void;
  watchInferenceServers(servers: InferenceServers): void;
  /** A queue whose length is asked for when somebody looks. */
  watchQueue(name: QueueName, length: () => number): void;
  /** What all streams ask for, asked for when somebody looks. */
  watchLoad(total: () => { readonly load: number; readonly pixelsPerSecond: number }): void;
};

/** Frames of one stream that `frame` has reported. */
export type CountedFrames = { readonly framesReceived: number; readonly framesDropped: number };

/** Queues before the worker threads. */
export type QueueName = 'encoder' | 'decoder' | 'refiner' | 'tracker' | 'mask';

/** Counts nothing. */
export const silentMetrics: ServerMetrics = {
  callOpened() {},
  callEnded() {},
  refused() {},
  frame() {},
  summary() {},
  notice() {},
  prompt() {},
  workerRestarted() {},
  inferenceCall() {},
  watchInferenceServers() {},
  watchQueue() {},
  watchLoad() {},
};
