import type { PromptClarity } from '../../tracking/object/confidence.ts';
import { softMaskIou } from '../../tracking/mask/iou.ts';
import type { PassResult } from './pass.ts';

/** How clearly a prompt named one thing, by the passes over it in turn; null: one not taken. */
export function promptClarity(taken: readonly (PassResult | null)[]): PromptClarity {
  const passes = taken.filter((pass) => pass !== null);
  const masks = passes.map(({ mask }) => mask.soft);
  const agreements = masks.slice(1).map((mask, i) => softMaskIou(masks[i]!, mask));
  const stabilities = passes.map(({ result }) => result.stability);
  return {
    stability: stabilities.reduce((sum, stability) => sum + stability, 0) / passes.length,
    consensus: passes[0]?.result.consensus ?? 1,
    agreementIou: Math.min(1, ...agreements),
  };
}
