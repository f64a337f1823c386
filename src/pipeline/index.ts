export { runSession } from './session.ts';
export { KeyframeBudget } from './keyframe/budget.ts';
export { createTrackerPool } from './tracker/pool.ts';
export type { TrackerPool } from './tracker/pool.ts';
export type {
  FrameResult,
  ObjectResult,
  ResumeObject,
  RunSession,
  SessionEvent,
  SessionInput,
  SessionLimits,
  SessionOptions,
  SessionParts,
  SessionSummary,
  StagePercentiles,
  StageTimingsUs,
} from './session-types.ts';
