import { boundaryScore } from '../../../src/evaluation/boundary-score.ts';
import type { TrueMasks } from '../../../src/evaluation/clips.ts';
import { mean } from '../../../src/evaluation/series-statistics.ts';
import type { AnsweredFrame } from '../../../src/formats/answered-frame.ts';
import { emptyMask, maskIou, maskToBitmap } from '../../../src/frame/mask.ts';

/** One object on one answered frame, against the truth. */
export type KindFrame = {
  readonly frameIndex: number;
  readonly trueArea: number;
  readonly region: number;
  readonly boundary: number;
  /** The answer has a mask. */
  readonly isAnswered: boolean;
  readonly confidence: number;
  readonly presence: number | null;
  /** The object that the answered mask is on, by its id; null: none. */
  readonly isOn: number | null;
};

/** One object over a clip. */
export type KindScore = {
  /** Means over all frames after the prompt's. */
  readonly region: number;
  readonly boundary: number;
  /** Frames on which at least a quarter of what was prompted is in sight. */
  readonly visibleFrames: number;
  /** Of these, frames without a mask, and what was said of each. */
  readonly hiddenFrames: number;
  readonly hiddenConfidences: readonly number[];
  readonly hiddenPresences: readonly number[];
  /** Times that the mask went over from one object to another. */
  readonly switches: number;
  /** Its mask is on it on the last frame that shows it. */
  readonly isFoundAtEnd: boolean;
};

/** Of its area on the prompt's frame: less of an object is partly hidden. */
const visibleRatio = 0.25;
/** A mask is on the object that it has so much in common with. */
const onIou = 0.5;

/** One object on one answered frame, against the truth of all objects. */
export function kindFrame(frame: AnsweredFrame, objectId: number, truth: TrueMasks): KindFrame {
  const { size } = truth;
  const answer = frame.objects.find((object) => object.objectId === objectId);
  const mask = answer?.mask ?? emptyMask(size);
  const trueMask = truth.objects.get(objectId) ?? emptyMask(size);
  const on = [...truth.objects].find(([, other]) => other.area > 0 && maskIou(mask, other) > onIou);
  return {
    frameIndex: frame.frameIndex,
    trueArea: trueMask.area,
    region: maskIou(mask, trueMask),
    boundary: boundaryScore(maskToBitmap(mask), maskToBitmap(trueMask), size),
    isAnswered: mask.area > 0,
    confidence: answer?.confidence ?? 0,
    presence: answer?.presence ?? null,
    isOn: on?.[0] ?? null,
  };
}

/** Sums up one object's frames, ascending, the prompt's frame first. */
export function scoreKind(frames: readonly KindFrame[]): KindScore {
  const [first, ...after] = frames;
  const leastArea = visibleRatio * (first?.trueArea ?? 0);
  const visible = after.filter(({ trueArea }) => trueArea > 0 && trueArea >= leastArea);
  const hidden = visible.filter(({ isAnswered }) => !isAnswered);
  const owners = frames.flatMap(({ isOn }) => (isOn === null ? [] : [isOn]));
  return {
    region: mean(after.map(({ region }) => region)),
    boundary: mean(after.map(({ boundary }) => boundary)),
    visibleFrames: visible.length,
    hiddenFrames: hidden.length,
    hiddenConfidences: hidden.map(({ confidence }) => confidence),
    hiddenPresences: hidden.flatMap(({ presence }) => (presence === null ? [] : [presence])),
    switches: owners.filter((owner, i) => i > 0 && owner !== owners[i - 1]).length,
    isFoundAtEnd: (visible.at(-1)?.region ?? 0) > onIou,
  };
}
