import type { KeyframeReason } from '../../frame/prompt.ts';
import { plannedFrames } from '../../frame/slow-film.ts';
import { sceneCutThreshold } from '../../tracking/flow/scene-cut.ts';

/** When the full model runs. */
export type KeyframePolicy =
  | { readonly kind: 'fixed'; readonly intervalFrames: number }
  | {
      readonly kind: 'adaptive';
      readonly minIntervalFrames: number;
      readonly maxIntervalFrames: number;
      /**
       * Whether frames that are further apart than usual count for more; see {@link plannedFrames}.
       * Else the intervals are frames of the video, whatever its rate.
       */
      readonly intervalsAreTimes: boolean;
      /** Confidence of any visible object under which a keyframe is asked for, 0..1. */
      readonly minConfidence: number;
    };

/** Where a frame stands in the video. */
export type FramePosition = {
  readonly frameIndex: number;
  readonly timestampUs: number;
};

/** What the decision for one frame rests on. */
export type FrameEvidence = {
  readonly frameIndex: number;
  readonly timestampUs: number;
  /** A prompt other than a removal names this frame. */
  readonly prompted: boolean;
  /** The display size changed on this frame. */
  readonly sizeChanged: boolean;
  /** This is the first frame of a resumed stream. */
  readonly resumed: boolean;
  /** Frame of the first prompt that led to a keyframe; null before it. */
  readonly firstPromptFrame: number | null;
  /** The newest keyframe, also one still in work; null before it. */
  readonly lastKeyframe: FramePosition | null;
  /** Live objects that have a mask which can be trusted. */
  readonly trackedObjects: number;
  /** Live objects that had one and have it no more. */
  readonly missingObjects: number;
  /** Whether the model should re-detect one of them; see `RedetectionState`. */
  readonly redetection: 'none' | 'due' | 'urgent';
  /** How likely it is that a new scene starts here, 0..1. */
  readonly sceneCut: number;
  /**
   * Lowest confidence of a visible object that was clearly higher after its keyframe, 0..1; 1 where
   * there is none. What a keyframe did not mend, the next one does not either.
   */
  readonly lowestConfidence: number;
  /** Largest sum of expected losses of a visible object since its keyframe, in IoU times frames. */
  readonly largestLossSum: number;
  /**
   * In LATEST, where a keyframe's run overlaps with the frames after it; null in EVERY_FRAME, where
   * nothing depends on time.
   */
  readonly live: {
    /** A run is under way. */
    readonly inWork: boolean;
    /** Whether one that can wait may begin now: the streams of a server share the model's time. */
    readonly mayBegin: () => boolean;
    /** Whether the model answers: the servers that run it may be gone for a while. */
    readonly isReachable: boolean;
  } | null;
};

/** What happens to one frame. */
export type FrameDecision =
  /** The model runs on it, and its masks say so. */
  | { readonly kind: 'segment'; readonly reason: KeyframeReason }
  /** A run begins on it, in place of one under way; its masks are propagated meanwhile. */
  | { readonly kind: 'begin'; readonly reason: KeyframeReason }
  | { readonly kind: 'propagate' };

/** Loss, in IoU times frames, that may add up before a keyframe, for each unit of doubt allowed. */
const lossPerDoubt = 1.2;

/**
 * Decides whether the full model runs on a frame; everything else obeys. It alone asks the budget
 * whether a keyframe that is due may begin, and only where one may wait. What hidden objects are due
 * for re-detection and whose confidence has clearly fallen is evidence; which objects the model is
 * asked about on a keyframe is its plan.
 */
export function decideFrame(evidence: FrameEvidence, policy: KeyframePolicy): FrameDecision {
  const reason = reasonOf(evidence, policy);
  if (reason === null) return { kind: 'propagate' };
  const { live } = evidence;
  // A prompt is always answered on its own frame; after a lost server, much may have moved meanwhile.
  if (live === null || reason === 'prompt' || reason === 'resume') {
    return { kind: 'segment', reason };
  }
  // What is asked now is out of date by the time that somebody answers.
  if (!live.isReachable) return { kind: 'propagate' };
  const canWait = reason === 'interval' || reason === 'low-confidence';
  if (canWait && (live.inWork || !live.mayBegin())) return { kind: 'propagate' };
  // A run under way is out of date: its masks cannot be carried over what happened here.
  return { kind: 'begin', reason };
}

/** Whether a fixed policy is certain to make a frame a keyframe, whatever happens until then. */
export function isKnownKeyframe(
  frameIndex: number,
  firstPromptFrame: number | null,
  policy: KeyframePolicy,
): boolean {
  if (policy.kind !== 'fixed' || firstPromptFrame === null) return false;
  return (
    frameIndex > firstPromptFrame && (frameIndex - firstPromptFrame) % policy.intervalFrames === 0
  );
}

/** Whether a score of `FrameEvidence.sceneCut` says that a new scene starts. */
export function isSceneCut(score: number): boolean {
  return score >= sceneCutThreshold;
}

/** Why a keyframe is due; null: none is. */
function reasonOf(evidence: FrameEvidence, policy: KeyframePolicy): KeyframeReason | null {
  if (evidence.prompted) return 'prompt';
  if (evidence.trackedObjects + evidence.missingObjects === 0) return null;
  if (evidence.resumed) return 'resume';
  if (evidence.sizeChanged) return 'size-change';
  if (policy.kind === 'adaptive') return adaptiveReason(evidence, policy);
  return isIntervalDue(evidence, policy) ? 'interval' : null;
}

/**
 * Keyframes at the prompt frames and every N frames after the first of them, nothing else. In LATEST
 * the frame may have been dropped, or another stream had the model: then the keyframe stays due.
 */
function isIntervalDue(
  { frameIndex, firstPromptFrame, lastKeyframe, live }: FrameEvidence,
  policy: Extract<KeyframePolicy, { kind: 'fixed' }>,
): boolean {
  if (isKnownKeyframe(frameIndex, firstPromptFrame, policy)) return true;
  if (live === null || firstPromptFrame === null || lastKeyframe === null) return false;
  const newest = frameIndex - ((frameIndex - firstPromptFrame) % policy.intervalFrames);
  return newest > firstPromptFrame && newest > lastKeyframe.frameIndex;
}

function adaptiveReason(
  evidence: FrameEvidence,
  policy: Extract<KeyframePolicy, { kind: 'adaptive' }>,
): KeyframeReason | null {
  if (evidence.lastKeyframe === null) return null;
  if (isSceneCut(evidence.sceneCut)) return 'scene-cut';
  const frames = evidence.frameIndex - evidence.lastKeyframe.frameIndex;
  const elapsedUs = evidence.timestampUs - evidence.lastKeyframe.timestampUs;
  const age = policy.intervalsAreTimes ? plannedFrames(frames, elapsedUs) : frames;
  if (age < policy.minIntervalFrames) return null;
  if (evidence.redetection === 'urgent') return 'low-confidence';
  if (evidence.trackedObjects === 0) return evidence.redetection === 'due' ? 'interval' : null;
  // While others are visible, a re-detection that is due waits for their next keyframe and rides along.
  if (age >= policy.maxIntervalFrames) return 'interval';
  const isLossDue = evidence.largestLossSum >= lossPerDoubt * (1 - policy.minConfidence);
  return isLossDue || evidence.lowestConfidence < policy.minConfidence ? 'low-confidence' : null;
}
