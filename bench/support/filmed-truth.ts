import type { TrueMasks } from '../../src/evaluation/clips.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { maskIou, type Mask } from '../../src/frame/mask.ts';

/** The one object of a clip that a camera films. */
export const filmedObjectId = 1;

/** One frame of so many is scored: neighbours tell little more, and unpacking takes its time. */
const scoredEvery = 3;

/** Whether a camera's answer is scored: some of those after the warm-up. */
export function isScored(frameIndex: number, warmUpFrames: number): boolean {
  return frameIndex >= warmUpFrames && frameIndex % scoredEvery === 0;
}

/** Which frame of a clip of so many is filmed as frame `index`, where it plays forth and back. */
export function filmedFrame(clipFrames: number, index: number): number {
  const place = index % (2 * clipFrames);
  return place < clipFrames ? place : 2 * clipFrames - 1 - place;
}

/** IoU of the object's mask with what was filmed: one value, or none without a truth of it. */
export function scoreOf(truth: TrueMasks | undefined, readMask: () => Mask | null): number[] {
  const wanted = truth?.objects.get(filmedObjectId);
  if (wanted === undefined) return [];
  const mask = readMask();
  return [mask === null ? 0 : maskIou(mask, wanted)];
}

/** Which clip each of so many cameras plays: the first again behind the last. */
export function clipsPlayed(cameras: number, clips: number): number[] {
  return Array.from({ length: cameras }, (_, camera) => camera % clips);
}

/** Mean J of the cameras that play one clip; `regions` and `played` have a value a camera. */
export function regionOfClip(
  clip: number,
  regions: readonly number[],
  played: readonly number[],
): number {
  return mean(regions.filter((_, camera) => played[camera] === clip));
}
