import type { Frame } from '../frame/frame.ts';
import type { KeyframeReason, PromptUpdate } from '../frame/prompt.ts';
import type { ObjectRecords } from './prompts/object-record.ts';
import type { TextSearch } from './prompts/text-search.ts';
import type { TrackerFrame } from '../tracking/tracker-types.ts';
import type { FramePosition } from './keyframe/policy.ts';
import type { PromptOutcome } from './prompts/apply-prompts.ts';
import type { FrameResult } from './session-types.ts';

/** What is remembered between frames, besides the pixels. Immutable: a correction goes back to it. */
export type StreamState = {
  readonly records: ObjectRecords;
  /** Phrases that are looked for until their ids are taken. */
  readonly searches: readonly TextSearch[];
  readonly firstPromptFrame: number | null;
  /** Newest keyframe, also one whose result has not come yet. */
  readonly lastKeyframe: FramePosition | null;
  /** Keyframe that the masks descend from. */
  readonly sourceKeyframe: number | null;
};

/** The state before the first frame. */
export const initialState: StreamState = {
  records: new Map(),
  searches: [],
  firstPromptFrame: null,
  lastKeyframe: null,
  sourceKeyframe: null,
};

/** The state from a keyframe's begin on, though its result may come later. */
export function keyframeBegun(
  state: StreamState,
  { index: frameIndex, timestampUs }: Pick<Frame, 'index' | 'timestampUs'>,
  reason: KeyframeReason,
): StreamState {
  const first = reason === 'prompt' ? frameIndex : null;
  const firstPromptFrame = state.firstPromptFrame ?? first;
  return { ...state, lastKeyframe: { frameIndex, timestampUs }, firstPromptFrame };
}

/** The state once a keyframe's masks are in use, and in its objects' memories. */
export function keyframeUsed(
  state: StreamState,
  keyframe: { readonly frameIndex: number; readonly records: ObjectRecords },
): StreamState {
  return { ...state, records: keyframe.records, sourceKeyframe: keyframe.frameIndex };
}

/** The state once what a look for a phrase found, on an earlier frame, has masks on this one. */
export function lookUsed(
  state: StreamState,
  look: {
    readonly frameIndex: number;
    readonly records: ObjectRecords;
    readonly searches: readonly TextSearch[];
  },
): StreamState {
  const { records, searches } = look;
  const sourceKeyframe = Math.max(look.frameIndex, state.sourceKeyframe ?? 0);
  return { ...state, records, searches, sourceKeyframe };
}

/** The state after a frame's prompts. A phrase counts as a prompt, whether or not it found anything. */
export function promptsApplied(
  state: StreamState,
  { records, searches }: Pick<StreamState, 'records' | 'searches'>,
  { frame, updates }: FrameTask,
): StreamState {
  const hasText = updates.some(({ text }) => text !== null);
  const firstPromptFrame = state.firstPromptFrame ?? (hasText ? frame.index : null);
  return { ...state, records, searches, firstPromptFrame };
}

/** One frame to process. */
export type FrameTask = {
  readonly frame: Frame;
  readonly updates: readonly PromptUpdate[];
  readonly sizeChanged: boolean;
  readonly resumed: boolean;
  readonly framesDroppedBefore: number;
  /** Some of those, oldest first: flow passes over them. Owned by the caller, as `frame` is. */
  readonly bridge: readonly Frame[];
  readonly captureTimestampUs: number | null;
  readonly revision: number;
  /** Monotonic time at which the frame was handed to the pipeline, in milliseconds. */
  readonly queuedAtMs: number;
};

/** A frame that an earlier stream answered: its masks are given, nobody is told. */
export function unansweredTask(
  { frame, captureTimestampUs }: Pick<FrameTask, 'frame' | 'captureTimestampUs'>,
  updates: readonly PromptUpdate[],
): FrameTask {
  return {
    frame,
    bridge: [],
    updates,
    sizeChanged: false,
    resumed: true,
    framesDroppedBefore: 0,
    captureTimestampUs,
    revision: 0,
    queuedAtMs: frame.decodedAtMs,
  };
}

/** What one frame gave. */
export type ProcessedFrame = {
  readonly result: FrameResult;
  readonly state: StreamState;
  readonly outcomes: readonly PromptOutcome[];
};

/** The fields of a result that say which frame it is. */
export function positionOf(
  task: FrameTask,
): Pick<
  FrameResult,
  | 'frameIndex'
  | 'timestampUs'
  | 'timestampSynthetic'
  | 'captureTimestampUs'
  | 'framesDroppedBefore'
  | 'revision'
> {
  return {
    frameIndex: task.frame.index,
    timestampUs: task.frame.timestampUs,
    timestampSynthetic: task.frame.timestampSynthetic,
    captureTimestampUs: task.captureTimestampUs,
    framesDroppedBefore: task.framesDroppedBefore,
    revision: task.revision,
  };
}

/** The frame as the tracker takes it. */
export function trackerFrame(frame: Frame): TrackerFrame {
  const { index, timestampUs, display, analysis, data } = frame;
  return { index, timestampUs, display, analysis, data };
}
