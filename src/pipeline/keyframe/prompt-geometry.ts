import { inFractions, unionBox, type Box, type Size } from '../../frame/geometry.ts';
import type { DecodeRequest } from '../../frame/ports.ts';
import type { Click } from '../../frame/prompt.ts';
import { boxInRegion } from '../../frame/region-of-interest.ts';

/** What somebody said of one object on one frame; display pixels. */
export type FramePrompt = { readonly clicks: readonly Click[]; readonly box: Box | null };

/** What a prompt says, in fractions of a region; clicks mean the middle of their pixel. */
export function promptInRegion(
  prompt: FramePrompt,
  region: Box,
  display: Size,
): Pick<DecodeRequest, 'clicks' | 'box'> {
  const clicks = prompt.clicks.map((click) => ({
    ...click,
    x: ((Math.floor(click.x) + 0.5) / display.width - region.x) / region.width,
    y: ((Math.floor(click.y) + 0.5) / display.height - region.y) / region.height,
  }));
  if (!prompt.box) return { clicks, box: null };
  return { clicks, box: boxInRegion(inFractions(prompt.box, display), region) };
}

/** The pixel that a click is on, in fractions of the picture. */
export function pixelUnder({ x, y }: Click, display: Size): Box {
  const pixel = { x: Math.floor(x), y: Math.floor(y), width: 1, height: 1 };
  return inFractions(pixel, display);
}

/** The pixels that a prompt's positive clicks are on, in fractions of the picture; null: none. */
export function positiveClicksBox({ clicks }: FramePrompt, display: Size): Box | null {
  const positive = clicks.filter(({ label }) => label === 'positive');
  return positive.reduce<Box | null>(
    (box, click) => unionBox(box, pixelUnder(click, display)),
    null,
  );
}

/** Whether a click, in fractions of a region, is inside of it. */
export function isInside({ x, y }: Click): boolean {
  return x >= 0 && y >= 0 && x <= 1 && y <= 1;
}

/** Index of the cell of a mask float32[side, side] that lies under a click inside its region. */
export function cellUnder({ x, y }: Click, side: number): number {
  const cell = (fraction: number) => Math.min(side - 1, Math.floor(fraction * side));
  return cell(y) * side + cell(x);
}
