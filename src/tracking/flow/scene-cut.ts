import { sigmoid } from '../../frame/sigmoid.ts';
/** A score at or above this is a cut. */
export const sceneCutThreshold = 0.5;

/** Scores each frame of one stream; keeps the recent level of change, so one per stream. */
export type SceneCutDetector = {
  /** How likely it is that a new scene starts between two neighbouring pictures, 0..1. */
  score(evidence: CutEvidence): number;
  /** Forgets what was seen. */
  reset(): void;
};

/** What two neighbouring pictures say about a cut between them; from `comparePictures`. */
export type CutEvidence = {
  /** 0 where each block still looks like its motion-compensated origin, 1 where none does. */
  readonly mismatch: number;
  /** Half the L1 distance of the grey histograms, 0..1. */
  readonly histogramDistance: number;
};

/** Mismatch of earlier frames beyond which fast motion excuses no more of the present one. */
const recentLimit = 0.3;

/**
 * A detector that has seen nothing. At a cut, blocks stop correlating with their motion-compensated
 * origin. A flash does not do that: correlation ignores gain and offset. Fast motion may, but for
 * several frames, so what the frames before showed is counted off. The weights separate
 * neighbouring frames of training clips, also every third of them, from splices of two clips.
 */
export function createSceneCutDetector(): SceneCutDetector {
  let recent = 0;
  return {
    score(evidence) {
      const logit =
        25 * (evidence.mismatch - 0.45) +
        4 * (evidence.histogramDistance - 0.05) -
        12 * Math.min(recent, recentLimit);
      recent = Math.max(evidence.mismatch, 0.7 * recent);
      return sigmoid(logit);
    },
    reset() {
      recent = 0;
    },
  };
}
