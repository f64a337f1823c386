import type { Frame } from '../../frame/frame.ts';
import type { PromptClarity } from '../../tracking/object/confidence.ts';
import { softMaskIou } from '../../tracking/mask/iou.ts';
import { maskSeen, type Seen } from './pass.ts';

/** How clearly a prompt named one thing, by the looks at it in turn; null: one not taken. */
export function promptClarity(
  taken: readonly (Seen | null)[],
  frame: Pick<Frame, 'analysis'>,
): PromptClarity {
  const looks = taken.filter((look) => look !== null);
  const masks = looks.map((look) => maskSeen(look, frame).soft);
  const agreements = masks.slice(1).map((mask, i) => softMaskIou(masks[i]!, mask));
  const stabilities = looks.map(({ result }) => result.stability);
  return {
    stability: stabilities.reduce((sum, stability) => sum + stability, 0) / looks.length,
    consensus: looks[0]?.result.consensus ?? 1,
    agreementIou: Math.min(1, ...agreements),
  };
}
