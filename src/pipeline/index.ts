export { trackerFrame } from './frame-task.ts';
export { runSession } from './session.ts';
export { KeyframeBudget } from './keyframe/budget.ts';
export { defaultObjectMemoryBytes, ObjectMemoryPool } from './prompts/object-memory-pool.ts';
export { createTrackerPool } from './tracker/pool.ts';
export type { TrackerPool, WatchedTrackerPool } from './tracker/pool.ts';
export type {
  FrameResult,
  ModelEvent,
  ObjectResult,
  ResumeObject,
  RunSession,
  SessionEvent,
  SessionInput,
  SessionLimits,
  SessionOptions,
  SessionParts,
  SessionSummary,
} from './session-types.ts';
export type { StagePercentiles, StageTimingsUs } from './stage-clock.ts';
