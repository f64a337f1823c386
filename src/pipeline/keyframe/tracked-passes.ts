import type { Box } from '../../frame/geometry.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { DecodeRequest } from '../../frame/ports.ts';
import { segmentedAs, type Answer, type DecoderPass, type Passes } from './pass.ts';
import type { KeyframeObjectOf } from './plan.ts';

/** A hidden object counts as found again from these scores on. */
const minFoundPresence = 0.5;
const minFoundIou = 0.5;

/** Expected IoU under which an object is re-detected from memory too. */
const poorIou = 0.4;

/** Expected IoU by which a place must be better than that of the mask. */
const clearGain = 0.05;

/**
 * A tracked object: its propagated mask with its memory; memory alone, averaged with that, where the
 * model gains from it; and re-detection from memory where its mask led to nothing.
 */
export function* trackedPasses(
  object: KeyframeObjectOf<'tracked'>,
  memory: DecodeRequest['memory'],
  info: ModelInfo,
): Passes {
  const { record, region, prior, redetectionRegion } = object;
  const { averageMemoryPass, minPresence } = info.tracking;
  const request = () => ({ clicks: [], box: null, prior: prior.mask, memory });
  const first = yield { region, request };
  if (first === null) return null;
  const second = yield averageMemoryPass ? memoryPass(region, memory) : null;
  const isPoor = expectedIou(second ?? first) < poorIou;
  const far = yield isPoor && redetectionRegion ? memoryPass(redetectionRegion, memory) : null;
  const near = second ? averaged(first, second) : first;
  const redetected = far !== null && isBetter(far, near);
  const answer = redetected ? far : near;
  const hidden = answer.result.presence < minPresence;
  return segmentedAs(record, answer, { hidden, redetected });
}

/** A hidden object: memory alone, and it stays hidden unless the model is sure to have found it. */
export function* hiddenPasses(
  { record, region }: KeyframeObjectOf<'hidden'>,
  memory: DecodeRequest['memory'],
): Passes {
  const request = () => ({ clicks: [], box: null, prior: null, memory });
  const found = yield { region, request };
  if (found === null) return null;
  return segmentedAs(record, found, { hidden: !isFound(found), redetected: true });
}

/** The object by memory alone (re-identification); null where there is none. */
function memoryPass(region: Box, memory: DecodeRequest['memory']): DecoderPass | null {
  if (memory.length === 0) return null;
  return { region, request: () => ({ clicks: [], box: null, prior: null, memory }) };
}

function expectedIou({ result: { presence, predictedIou } }: Answer): number {
  return presence * predictedIou;
}

function isFound({ result: { presence, predictedIou } }: Answer): boolean {
  return presence >= minFoundPresence && predictedIou >= minFoundIou;
}

/** Whether re-detection found the object, and more surely than the passes over its mask. */
function isBetter(far: Answer, near: Answer): boolean {
  return isFound(far) && expectedIou(far) > expectedIou(near) + clearGain;
}

function averaged(before: Answer, after: Answer): Answer {
  const a = before.result;
  const b = after.result;
  const logits = a.logits.map((logit, i) => (logit + (b.logits[i] ?? 0)) / 2);
  return {
    region: before.region,
    result: {
      logits,
      predictedIou: Math.max(a.predictedIou, b.predictedIou),
      presence: Math.max(a.presence, b.presence),
      stability: Math.max(a.stability, b.stability),
      consensus: Math.max(a.consensus, b.consensus),
    },
  };
}
