import type { FlowField, FlowImage } from './types.ts';

/** A score at or above this is a cut. */
export const sceneCutThreshold = 0.5;

/** Scores each frame of one stream; keeps the recent level of change, so one per stream. */
export type SceneCutDetector = {
  /** How likely it is that `current` starts a new scene, 0..1; flow leads from current to previous. */
  score(previous: FlowImage, current: FlowImage, flow: FlowField): number;
  /** Forgets what was seen. */
  reset(): void;
};

/** A detector that has seen nothing. */
export function createSceneCutDetector(): SceneCutDetector {
  throw new Error('unfinished');
}
