import { warpedDifference } from './photometric.ts';
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

/** What two neighbouring pictures say about a cut between them. */
type CutEvidence = {
  /** 0 where each block still looks like its motion-compensated origin, 1 where none does. */
  readonly mismatch: number;
  /** Half the L1 distance of the grey histograms, 0..1. */
  readonly histogramDistance: number;
};

const blockSide = 16;
const histogramBins = 32;
/** Grey variance that noise alone may cause; blocks below it say nothing. */
const noiseVariance = 16;

/** Mismatch of earlier frames beyond which fast motion excuses no more of the present one. */
const recentLimit = 0.3;

/**
 * A detector that has seen nothing. At a cut, blocks stop correlating with their motion-compensated
 * origin. A flash does not do that: correlation ignores gain and offset. Fast motion may, but for
 * several frames, so what the frames before showed is counted off. The weights separate
 * neighbouring frames of training clips, also every third of them, from splices of two clips.
 */
export function createSceneCutDetector(): SceneCutDetector {
  let difference = new Float32Array(0);
  let recent = 0;
  return {
    score(previous, current, flow) {
      if (difference.length !== flow.u.length) difference = new Float32Array(flow.u.length);
      const evidence = cutEvidence(previous, current, flow, difference);
      const logit =
        25 * (evidence.mismatch - 0.45) +
        4 * (evidence.histogramDistance - 0.05) -
        12 * Math.min(recent, recentLimit);
      recent = Math.max(evidence.mismatch, 0.7 * recent);
      return 1 / (1 + Math.exp(-logit));
    },
    reset() {
      recent = 0;
    },
  };
}

/** @param scratch one value per grid pixel */
function cutEvidence(
  previous: FlowImage,
  current: FlowImage,
  flow: FlowField,
  scratch: Float32Array,
): CutEvidence {
  warpedDifference(previous, current, flow, scratch);
  const { width, height } = flow;
  let weights = 0;
  let mismatch = 0;
  for (let y = 0; y < height; y += blockSide) {
    for (let x = 0; x < width; x += blockSide) {
      const block = {
        x,
        y,
        width: Math.min(blockSide, width - x),
        height: Math.min(blockSide, height - y),
      };
      const { correlation, texture } = blockCorrelation(current, scratch, block);
      weights += texture;
      mismatch += texture * (1 - Math.max(0, correlation));
    }
  }
  return {
    mismatch: weights > 0 ? mismatch / weights : 0,
    histogramDistance: histogramDistance(previous, current),
  };
}

type Block = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** Correlation of a block with its origin, which is the current picture less the difference. */
function blockCorrelation(current: FlowImage, difference: Float32Array, block: Block) {
  const { grey, stride, origin, width } = current.levels[0]!;
  let sumA = 0;
  let sumB = 0;
  let squaresA = 0;
  let squaresB = 0;
  let products = 0;
  for (let y = block.y; y < block.y + block.height; y++) {
    for (let x = block.x; x < block.x + block.width; x++) {
      const a = grey[origin + y * stride + x]!;
      const b = a - difference[y * width + x]!;
      sumA += a;
      sumB += b;
      squaresA += a * a;
      squaresB += b * b;
      products += a * b;
    }
  }
  const pixels = block.width * block.height;
  const varianceA = Math.max(0, squaresA / pixels - (sumA / pixels) ** 2);
  const varianceB = Math.max(0, squaresB / pixels - (sumB / pixels) ** 2);
  const covariance = products / pixels - (sumA / pixels) * (sumB / pixels);
  const larger = Math.max(varianceA, varianceB);
  return {
    correlation: (covariance + noiseVariance) / (Math.sqrt(varianceA * varianceB) + noiseVariance),
    texture: larger / (larger + 4 * noiseVariance),
  };
}

function histogramDistance(previous: FlowImage, current: FlowImage): number {
  const counts = new Int32Array(histogramBins);
  for (const [image, step] of [
    [current, 1],
    [previous, -1],
  ] as const) {
    // The half-size level is enough: four times fewer pixels, the same shape.
    const { grey, width, height, stride, origin } = image.levels[1] ?? image.levels[0]!;
    for (let y = 0; y < height; y++) {
      const start = origin + y * stride;
      for (let at = start; at < start + width; at++) {
        const bin = Math.min(histogramBins - 1, (grey[at]! * histogramBins) >> 8);
        counts[bin] = counts[bin]! + step;
      }
    }
  }
  const { width, height } = current.levels[1] ?? current.levels[0]!;
  let distance = 0;
  for (const count of counts) distance += Math.abs(count);
  return distance / (2 * width * height);
}
