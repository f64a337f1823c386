import type { Frame } from '../frame/frame.ts';
import type { Box } from '../frame/geometry.ts';
import type { PromptClarity } from '../tracking/confidence.ts';
import { softMaskFromLogits } from '../tracking/model-mask.ts';
import { softMaskIou } from '../tracking/soft-mask-iou.ts';
import type { Segmented } from './ports.ts';

/** One object with what the decoder said, and the region of the picture that it saw. */
export type Seen = { readonly region: Box; readonly result: Segmented };

/** How clearly a prompt named one thing, by the first look at it and the second, if there was one. */
export function promptClarity(
  first: Seen,
  second: Seen | null,
  { analysis }: Pick<Frame, 'analysis'>,
): PromptClarity {
  const { stability, consensus } = first.result;
  if (second === null) return { stability, consensus, agreementIou: 1 };
  const softMask = ({ region, result: { logits } }: Seen) =>
    softMaskFromLogits(logits, Math.sqrt(logits.length), analysis, region);
  const agreementIou = softMaskIou(softMask(first), softMask(second));
  return { stability: (stability + second.result.stability) / 2, consensus, agreementIou };
}
