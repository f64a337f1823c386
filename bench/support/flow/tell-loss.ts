import type { WarpSample } from './warp-evidence.ts';

/** How well evidence tells the loss of warped masks. */
export type Telling = {
  /** Correlation over all samples. */
  readonly correlation: number;
  /** The same after the mean of all masks of that age is taken from both: what age does not say. */
  readonly atEqualAge: number;
  /** Correlation of the loss with a least-squares fit that has not seen the mask's clip. */
  readonly otherClips: number;
};

/** Judges some columns of the evidence; several are told as one by their fit. */
export function tellLoss(samples: readonly WarpSample[], columns: readonly number[]): Telling {
  const losses = samples.map(({ loss }) => loss);
  const fitted = predict(samples, samples, columns);
  const ages = samples.map(({ age }) => age);
  const clips = [...new Set(samples.map(({ clip }) => clip))];
  const unseen = new Map<WarpSample, number>();
  for (const clip of clips) {
    const left = samples.filter((sample) => sample.clip === clip);
    const others = samples.filter((sample) => sample.clip !== clip);
    predict(others, left, columns).forEach((value, index) => unseen.set(left[index]!, value));
  }
  return {
    correlation: correlation(losses, fitted),
    atEqualAge: correlation(lessMeans(losses, ages), lessMeans(fitted, ages)),
    otherClips: correlation(
      losses,
      samples.map((sample) => unseen.get(sample)!),
    ),
  };
}

/** Least squares on `known`, with a constant, applied to `asked`. */
function predict(
  known: readonly WarpSample[],
  asked: readonly WarpSample[],
  columns: readonly number[],
) {
  const row = ({ evidence }: WarpSample) => [1, ...columns.map((column) => evidence[column]!)];
  const size = columns.length + 1;
  const equations = Array.from({ length: size }, () => Array.from({ length: size + 1 }, () => 0));
  for (const sample of known) {
    const values = row(sample);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) equations[i]![j]! += values[i]! * values[j]!;
      equations[i]![size]! += values[i]! * sample.loss;
    }
  }
  const weights = solve(equations);
  return asked.map((sample) =>
    row(sample).reduce((sum, value, index) => sum + value * weights[index]!, 0),
  );
}

/** Gauss-Jordan elimination; the normal equations are positive definite, so no pivots are sought. */
function solve(equations: number[][]): number[] {
  for (const [pivot, line] of equations.entries()) {
    const scale = line[pivot]!;
    for (let j = pivot; j < line.length; j++) line[j]! /= scale;
    for (const [other, target] of equations.entries()) {
      if (other === pivot) continue;
      const factor = target[pivot]!;
      for (let j = pivot; j < line.length; j++) target[j]! -= factor * line[j]!;
    }
  }
  return equations.map((line) => line.at(-1)!);
}

function lessMeans(values: readonly number[], groups: readonly number[]): number[] {
  const means = new Map(
    [...new Set(groups)].map((group) => {
      return [group, mean(values.filter((_, index) => groups[index] === group))];
    }),
  );
  return values.map((value, index) => value - means.get(groups[index]!)!);
}

/** Pearson's; 0 where either does not vary. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i]! - meanA, b[i]! - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
