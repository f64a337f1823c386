import { assertNever } from '../../frame/errors.ts';
import { sigmoid } from '../../frame/sigmoid.ts';
import { agreement } from './agreement.ts';
import { consensusScore, stabilityScore } from './mask-stability.ts';
import type { Knots, Manifest } from '../manifest.ts';
import type { DecodeRequest, Segmented } from '../../frame/ports.ts';

/** What a decoder run says of one object before anything is chosen. */
export type Candidates = {
  /** float32[candidates, side, side], logits. */
  readonly logits: Float32Array;
  /** Raw score of each candidate. */
  readonly scores: Float32Array;
  /** Raw presence; null where the graph has none. */
  readonly presence: number | null;
};

/** Which calibration table a request falls under. */
export type PromptCase = 'click' | 'clicks' | 'box' | 'mask' | 'memory';

/** What somebody asked for, in fractions of the region. */
export type Asked = Pick<DecodeRequest, 'clicks' | 'box' | 'prior'>;

/** What a choice needs to know of a request. */
export type PromptShape = {
  /** Where candidates are chosen by agreement, with what. Default: nothing. */
  readonly asked?: Asked;
  readonly clicks: number;
  readonly box: boolean;
  readonly prior: boolean;
  readonly memory: number;
};

/** Counts what a request holds. */
export function promptShape(request: Asked & { readonly memory: readonly unknown[] }): PromptShape {
  return {
    asked: request,
    clicks: request.clicks.length,
    box: request.box !== null,
    prior: request.prior !== null,
    memory: request.memory.length,
  };
}

/** The strongest evidence in a request names its case. */
export function promptCase(shape: PromptShape): PromptCase {
  if (shape.memory > 0) return 'memory';
  if (shape.prior) return 'mask';
  if (shape.box) return 'box';
  return shape.clicks > 1 ? 'clicks' : 'click';
}

/** Least weight of a candidate, so that scores still decide where no mask is stable. */
const minStability = 0.01;

/**
 * The candidate that answers a request. A lone click is ambiguous (a wheel or the car): the highest
 * score wins, weighed by the candidate's mask stability (training-side photographs: IoU 0.76
 * instead of 0.73, held-out clips the same). Any other prompt is clear, and ranking by score would
 * lose accuracy there.
 */
export function chooseCandidate(
  candidates: Candidates,
  shape: PromptShape,
  manifest: Pick<Manifest, 'masks' | 'iou' | 'presence'>,
): Segmented {
  const kind = promptCase(shape);
  const { unambiguousPromptCandidate, side } = manifest.masks;
  const { activation, calibration, calibrationByPrompt } = manifest.iou;
  const scores = [...candidates.scores].map((score) => activate(score, activation));
  const area = side * side;
  const masks = scores.map((_, i) => candidates.logits.subarray(i * area, (i + 1) * area));
  const stability = masks.map(stabilityScore);
  const weighed = scores.map((score, i) => score * Math.max(minStability, stability[i]!));
  const chosen =
    manifest.masks.choice === 'agreement'
      ? indexOfHighest(masks.map((mask, i) => agreement(mask, stability[i]!, shape.asked)))
      : kind === 'click'
        ? indexOfHighest(weighed)
        : unambiguousPromptCandidate;
  return {
    // A copy of its own: the run's whole output must not cross the thread or stay alive with it.
    logits: masks[chosen]!.slice(),
    predictedIou: calibrate(scores[chosen]!, calibrationByPrompt[kind] ?? calibration),
    presence: presenceOf(candidates.presence, manifest.presence),
    stability: stability[chosen]!,
    consensus: consensusScore(masks, chosen),
  };
}

/** Linear between knots, level outside them. */
export function calibrate(raw: number, knots: Knots): number {
  let [lastRaw, lastExpected] = knots[0]!;
  if (!(raw > lastRaw)) return lastExpected;
  for (const [knotRaw, expected] of knots) {
    if (raw <= knotRaw) {
      const share = (raw - lastRaw) / (knotRaw - lastRaw || 1);
      return lastExpected + share * (expected - lastExpected);
    }
    lastRaw = knotRaw;
    lastExpected = expected;
  }
  return lastExpected;
}

function presenceOf(raw: number | null, rule: Manifest['presence']): number {
  if (raw === null || rule === null) return 1;
  return rule.activation === 'sigmoid' ? sigmoid(raw) : raw;
}

function activate(score: number, activation: Manifest['iou']['activation']): number {
  switch (activation) {
    case 'none':
      return score;
    case 'sigmoid':
      return sigmoid(score);
    case 'clamp':
      return Math.min(1, Math.max(0, score));
    default:
      return assertNever(activation);
  }
}

function indexOfHighest(scores: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}
