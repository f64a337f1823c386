import type { KeyframeReason } from '../../frame/prompt.ts';
import { sceneCutThreshold } from '../../tracking/flow/scene-cut.ts';

/** When the full model runs. */
export type KeyframePolicy =
  | { readonly kind: 'fixed'; readonly intervalFrames: number }
  | {
      readonly kind: 'adaptive';
      readonly minIntervalFrames: number;
      readonly maxIntervalFrames: number;
      /** Confidence of any visible object under which a keyframe is asked for, 0..1. */
      readonly minConfidence: number;
    };

/** What the decision for one frame rests on. */
export type FrameEvidence = {
  readonly frameIndex: number;
  /** A prompt other than a removal names this frame. */
  readonly prompted: boolean;
  /** The display size changed on this frame. */
  readonly sizeChanged: boolean;
  /** This is the first frame of a resumed stream. */
  readonly resumed: boolean;
  /** Frame of the first prompt that led to a keyframe; null before it. */
  readonly firstPromptFrame: number | null;
  /** Frame of the newest keyframe, also one still in work; null before it. */
  readonly lastKeyframe: number | null;
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
};

/** What happens to one frame. */
export type FrameDecision =
  { readonly kind: 'segment'; readonly reason: KeyframeReason } | { readonly kind: 'propagate' };

/** Loss, in IoU times frames, that may add up before a keyframe, for each unit of doubt allowed. */
const lossPerDoubt = 1.2;

const propagate: FrameDecision = { kind: 'propagate' };

/** Decides whether the full model runs on a frame; everything else obeys. Pure. */
export function decideFrame(evidence: FrameEvidence, policy: KeyframePolicy): FrameDecision {
  if (evidence.prompted) return { kind: 'segment', reason: 'prompt' };
  if (evidence.trackedObjects + evidence.missingObjects === 0) {
    return propagate;
  }
  if (evidence.resumed) return { kind: 'segment', reason: 'resume' };
  if (evidence.sizeChanged) return { kind: 'segment', reason: 'size-change' };
  if (policy.kind === 'fixed') return decideFixed(evidence, policy.intervalFrames);
  return decideAdaptive(evidence, policy);
}

/** Keyframes at the prompt frames and every N frames after the first of them, nothing else. */
function decideFixed(evidence: FrameEvidence, intervalFrames: number): FrameDecision {
  const start = evidence.firstPromptFrame;
  if (start === null) return propagate;
  const due = evidence.frameIndex > start && (evidence.frameIndex - start) % intervalFrames === 0;
  return due ? { kind: 'segment', reason: 'interval' } : propagate;
}

function decideAdaptive(
  evidence: FrameEvidence,
  policy: Extract<KeyframePolicy, { kind: 'adaptive' }>,
): FrameDecision {
  if (evidence.lastKeyframe === null) return propagate;
  if (evidence.sceneCut >= sceneCutThreshold) return { kind: 'segment', reason: 'scene-cut' };
  const age = evidence.frameIndex - evidence.lastKeyframe;
  if (age < policy.minIntervalFrames) return propagate;
  if (evidence.redetection === 'urgent') return { kind: 'segment', reason: 'low-confidence' };
  if (evidence.trackedObjects === 0) {
    return evidence.redetection === 'due' ? { kind: 'segment', reason: 'interval' } : propagate;
  }
  // While others are visible, a re-detection that is due waits for their next keyframe and rides along.
  if (age >= policy.maxIntervalFrames) return { kind: 'segment', reason: 'interval' };
  if (evidence.largestLossSum >= lossPerDoubt * (1 - policy.minConfidence)) {
    return { kind: 'segment', reason: 'low-confidence' };
  }
  if (evidence.lowestConfidence < policy.minConfidence) {
    return { kind: 'segment', reason: 'low-confidence' };
  }
  return propagate;
}
