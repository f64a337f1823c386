import type { TrueMasks } from '../../src/evaluation/clips.ts';
import type { AnsweredFrame } from '../../src/formats/answered-frame.ts';
import { emptyMask, maskIou } from '../../src/frame/mask.ts';

/** One object on one frame: the truth and the answer. */
export type LifeFrame = {
  readonly frameIndex: number;
  readonly trueArea: number;
  /** The answer's state is VISIBLE and its mask is not empty. */
  readonly isAnswered: boolean;
  readonly iou: number;
};

/** What became of one object over a clip. */
export type ObjectLife = {
  /** Times that it was hidden and came back. */
  readonly hidden: number;
  /** Times that it was found again before it was hidden again. */
  readonly found: number;
  /** From its coming back to being found, in frames, for each time that it was found. */
  readonly delays: readonly number[];
  /** Frames on which it was hidden, those just after it went left out. */
  readonly hiddenFrames: number;
  /** Of those, frames with a mask. */
  readonly falseFrames: number;
  /** Times that the mask left a visible object, and times that it came back to it. */
  readonly losses: number;
  readonly recoveries: number;
};

/** Of the object's median area: less is hidden, more is back. */
const hiddenRatio = 0.02;
const backRatio = 0.25;
/** Shorter is a flicker of the annotation. */
const minHiddenFrames = 3;
/** The mask may fade after its object has gone. */
const graceFrames = 2;
const foundIou = 0.5;
const lostIou = 0.1;

/** One object on one answered frame, against the truth. */
export function lifeFrame(frame: AnsweredFrame, objectId: number, truth: TrueMasks): LifeFrame {
  const object = frame.objects.find((each) => each.objectId === objectId);
  const trueMask = truth.objects.get(objectId) ?? emptyMask(truth.size);
  return {
    frameIndex: frame.frameIndex,
    trueArea: trueMask.area,
    isAnswered: object?.state === 'visible' && object.area > 0,
    iou: maskIou(object?.mask ?? emptyMask(truth.size), trueMask),
  };
}

/** Follows one object through its frames, ascending, the prompt's frame first. */
export function followObject(frames: readonly LifeFrame[]): ObjectLife {
  const areas = frames.map(({ trueArea }) => trueArea).filter((area) => area > 0);
  const median = areas.toSorted((a, b) => a - b)[Math.floor(areas.length / 2)] ?? 0;
  const isHidden = ({ trueArea }: LifeFrame) => trueArea <= hiddenRatio * median;
  const isBack = ({ trueArea }: LifeFrame) => trueArea >= backRatio * median;
  const absences = findRuns(frames, isHidden).filter(
    ({ from, to }) => from > 0 && to - from >= minHiddenFrames,
  );
  const delays: number[] = [];
  let hidden = 0;
  let hiddenFrames = 0;
  let falseFrames = 0;
  for (const [index, { from, to }] of absences.entries()) {
    const gone = frames.slice(Math.min(from + graceFrames, to), to);
    hiddenFrames += gone.length;
    falseFrames += gone.filter(({ isAnswered }) => isAnswered).length;
    const present = frames.slice(to, absences[index + 1]?.from ?? frames.length);
    const back = present.findIndex(isBack);
    if (back < 0) continue;
    hidden++;
    const found = present.findIndex(({ isAnswered, iou }) => isAnswered && iou > foundIou);
    if (found >= 0) delays.push(Math.max(0, found - back));
  }
  // Behind something and half out of it, a mask proves neither.
  const clear = frames.filter(isBack);
  const losses = findRuns(clear, ({ iou }) => iou < lostIou).filter(({ from }) => from > 0);
  const recoveries = losses.filter(({ to }) => clear.slice(to).some(({ iou }) => iou > foundIou));
  return {
    hidden,
    found: delays.length,
    delays,
    hiddenFrames,
    falseFrames,
    losses: losses.length,
    recoveries: recoveries.length,
  };
}

function findRuns(
  frames: readonly LifeFrame[],
  matches: (frame: LifeFrame) => boolean,
): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const [index, frame] of frames.entries()) {
    if (!matches(frame)) continue;
    const last = runs.at(-1);
    if (last?.to === index) last.to++;
    else runs.push({ from: index, to: index + 1 });
  }
  return runs;
}
