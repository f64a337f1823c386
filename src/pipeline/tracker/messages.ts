import type {
  DeliveredObject,
  DeliveryOptions,
  ObjectOutput,
  OutputOptions,
} from '../../tracking/delivery-types.ts';
import type { PlanRequest, TrackerPlan } from '../../tracking/keyframe-plan.ts';
import type {
  AdvanceOptions,
  CropRequest,
  ObjectAction,
  SegmentedAction,
  StepEvidence,
  TrackerFrame,
  TrackerOptions,
} from '../../tracking/tracker-types.ts';

/** Options that can cross a thread: the engine is named, not handed over. */
export type RemoteTrackerOptions = Omit<TrackerOptions, 'engine'> & {
  readonly flowEngine: 'dis' | 'farneback';
};

/** The tracker's methods as they cross the thread: arguments and result. */
export type TrackerCalls = {
  open: { arguments: [RemoteTrackerOptions]; result: void };
  advance: { arguments: [TrackerFrame, AdvanceOptions?]; result: StepEvidence };
  plan: { arguments: [PlanRequest]; result: TrackerPlan };
  crops: { arguments: [readonly number[]]; result: CropRequest[] };
  apply: { arguments: [readonly ObjectAction[]]; result: number[] };
  applyAsyncKeyframe: {
    arguments: [number, readonly SegmentedAction[], (readonly number[])?];
    result: number[] | null;
  };
  claimedRatios: {
    arguments: [number, readonly SegmentedAction[], readonly number[]];
    result: number[];
  };
  output: { arguments: [OutputOptions]; result: ObjectOutput[] };
  deliver: {
    arguments: [DeliveryOptions, (readonly ObjectAction[])?];
    result: DeliveredObject[];
  };
  restore: { arguments: [TrackerFrame | null]; result: void };
  close: { arguments: []; result: void };
};

/** Name of a tracker method. */
export type TrackerMethod = keyof TrackerCalls;

/** A call to one stream's tracker. */
export type TrackerCall = {
  readonly callId: number;
  readonly streamId: number;
  readonly method: TrackerMethod;
  readonly arguments: readonly unknown[];
};

/** The answer to a call. */
export type TrackerReply =
  | { readonly callId: number; readonly result: unknown }
  | { readonly callId: number; readonly error: string };

/**
 * Whether a stream's tracker is gone: with a thread that another stream's call ended (`others`), or
 * under a call of its own.
 */
export type TrackerLoss = 'none' | 'others' | 'own';
