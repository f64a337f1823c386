import type { Mask } from '../frame/mask.ts';
import { emptyMask, maskIou, maskToBitmap } from '../frame/mask.ts';
import type { AnsweredFrame } from '../formats/answered-frame.ts';
import { boundaryScore } from './boundary-score.ts';
import type { TrueMasks } from './clips.ts';
import type { Sample } from './calibration.ts';
import type { SeriesStatistics } from './series-statistics.ts';
import { mean, seriesStatistics } from './series-statistics.ts';

/** Scores of one object over one clip. */
export type ObjectScores = {
  readonly objectId: number;
  readonly region: SeriesStatistics;
  readonly boundary: SeriesStatistics;
  /** Mean of {@link stability} over all frames after the prompt; NaN where never visible. */
  readonly stability: number;
  readonly samples: readonly Sample[];
};

/** Options of {@link createObjectTrack}. */
export type ObjectTrackOptions = {
  readonly objectId: number;
  readonly promptFrame: number;
  /** The prompt was the true mask: its frame is answered with it and proves nothing. */
  readonly givenMask: boolean;
  /** Stability of two masks that follow one another; null where it says nothing. */
  readonly stability: (previous: Mask, current: Mask, frameIndex: number) => number | null;
};

/** Takes the answers of one object in frame order and scores them against the truth. */
export type ObjectTrack = {
  /** @param truth null on a frame without annotation */
  add(frame: AnsweredFrame, truth: TrueMasks | null): void;
  /** @param lastFrame index of the clip's last frame, which J and F leave out */
  scores(lastFrame: number): ObjectScores;
};

/** Starts the scores of one object. */
export function createObjectTrack(options: ObjectTrackOptions): ObjectTrack {
  const { objectId, promptFrame } = options;
  const scored: { frameIndex: number; region: number; boundary: number }[] = [];
  const stabilities: number[] = [];
  const samples: Sample[] = [];
  let previous: Mask | null = null;
  return {
    add(frame, truths) {
      const { frameIndex, keyframeIndex } = frame;
      if (frameIndex < promptFrame) return;
      const answer = frame.objects.find((object) => object.objectId === objectId);
      const mask = answer?.mask ?? null;
      if (previous !== null) {
        const current = mask ?? emptyMask(previous.size);
        const value = options.stability(previous, current, frameIndex);
        if (value !== null) stabilities.push(value);
      }
      if (mask !== null) previous = mask;
      if (truths === null) return;
      const truth = truths.objects.get(objectId) ?? emptyMask(truths.size);
      const predicted = mask ?? emptyMask(truth.size);
      const region = maskIou(predicted, truth);
      if (frameIndex > promptFrame || !options.givenMask) {
        // An object that is not answered at all is one that nobody vouches for.
        const confidence = answer?.confidence ?? 0;
        const age = keyframeIndex === null ? null : frameIndex - keyframeIndex;
        samples.push({ confidence, iou: region, age });
      }
      if (frameIndex === promptFrame) return;
      const boundary = boundaryScore(maskToBitmap(predicted), maskToBitmap(truth), truth.size);
      scored.push({ frameIndex, region, boundary });
    },
    scores(lastFrame) {
      const counted = scored.filter(({ frameIndex }) => frameIndex !== lastFrame);
      return {
        objectId,
        region: seriesStatistics(counted.map(({ region }) => region)),
        boundary: seriesStatistics(counted.map(({ boundary }) => boundary)),
        stability: mean(stabilities),
        samples,
      };
    },
  };
}
