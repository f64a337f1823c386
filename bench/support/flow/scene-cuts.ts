import {
  createFlowField,
  createFlowImage,
  flowGrid,
  prepareFlowImage,
} from '../../../src/tracking/flow/image.ts';
import { comparePictures } from '../../../src/tracking/flow/photometric.ts';
import { createSceneCutDetector, sceneCutThreshold } from '../../../src/tracking/flow/scene-cut.ts';
import type { FlowEngine } from '../../../src/tracking/flow/types.ts';
import type { TrueClip } from './true-clips.ts';

/** How often the detector is right. */
export type CutScores = {
  readonly cuts: number;
  readonly found: number;
  readonly otherFrames: number;
  readonly falseAlarms: number;
};

/** What is done to the frames besides splicing. */
export type Trouble = 'none' | 'every third frame' | 'flashes';

const shotFrames = 12;

/** Splices the clips into one stream of short shots and counts what the detector says. */
export function scoreCuts(
  clips: readonly TrueClip[],
  engine: FlowEngine,
  trouble: Trouble,
): CutScores {
  // Frames of one stream have one size; clips of another are left out.
  const { size } = clips[0]!;
  const same = clips.filter(
    (clip) => clip.size.width === size.width && clip.size.height === size.height,
  );
  const step = trouble === 'every third frame' ? 3 : 1;
  const longest = Math.max(...same.map((clip) => clip.frames.length));
  const grid = flowGrid(size);
  let [previous, current] = [createFlowImage(grid), createFlowImage(grid)];
  const flow = createFlowField(grid);
  const residual = new Float32Array(flow.u.length);
  const detector = createSceneCutDetector();
  const scores = { cuts: 0, found: 0, otherFrames: 0, falseAlarms: 0 };
  let first = true;
  for (let start = 0; start < longest; start += shotFrames * step) {
    for (const clip of same) {
      const shot = clip.frames.slice(start, start + shotFrames * step);
      for (let index = 0; index < shot.length; index += step) {
        const flash = trouble === 'flashes' && index === 6;
        prepareFlowImage(flash ? flashed(shot[index]!) : shot[index]!, size, current);
        if (!first) {
          engine.compute(previous, current, flow);
          const evidence = comparePictures(previous, current, flow, residual);
          const isCut = detector.score(evidence) >= sceneCutThreshold;
          if (index === 0) {
            scores.cuts++;
            if (isCut) scores.found++;
          } else {
            scores.otherFrames++;
            if (isCut) scores.falseAlarms++;
          }
        }
        first = false;
        [previous, current] = [current, previous];
      }
    }
  }
  return scores;
}

function flashed(luma: Uint8Array): Uint8Array {
  return luma.map((value) => Math.min(255, value * 1.3 + 50));
}
