import { inFractions, unionBox, type Box, type Size } from '../../frame/geometry.ts';
import type { DecodeRequest } from '../../frame/ports.ts';
import type { Click } from '../../frame/prompt.ts';
import { boxInRegion } from '../../frame/region-of-interest.ts';

/** What somebody said of one object on one frame, in fractions of the picture. */
export type PicturePrompt = {
  /** Each at the middle of its pixel. */
  readonly clicks: readonly Click[];
  readonly box: Box | null;
  /** The pixels that the positive clicks are on; null: none. */
  readonly clickedBox: Box | null;
};

/** A prompt of display pixels in fractions of the picture. */
export function promptInPicture(
  prompt: { readonly clicks: readonly Click[]; readonly box: Box | null },
  display: Size,
): PicturePrompt {
  const clicks = prompt.clicks.map((click) => ({
    ...click,
    x: (Math.floor(click.x) + 0.5) / display.width,
    y: (Math.floor(click.y) + 0.5) / display.height,
  }));
  const positive = prompt.clicks.filter(({ label }) => label === 'positive');
  return {
    clicks,
    box: prompt.box && inFractions(prompt.box, display),
    clickedBox: positive.reduce<Box | null>(
      (box, click) => unionBox(box, pixelUnder(click, display)),
      null,
    ),
  };
}

/** The pixel that a click is on, in fractions of the picture. */
export function pixelUnder({ x, y }: Click, display: Size): Box {
  const pixel = { x: Math.floor(x), y: Math.floor(y), width: 1, height: 1 };
  return inFractions(pixel, display);
}

/** What a prompt says, in fractions of a region; clicks may lie outside of it. */
export function promptInRegion(
  { clicks, box }: Pick<PicturePrompt, 'clicks' | 'box'>,
  region: Box,
): Pick<DecodeRequest, 'clicks' | 'box'> {
  const moved = clicks.map((click) => ({
    ...click,
    x: (click.x - region.x) / region.width,
    y: (click.y - region.y) / region.height,
  }));
  return { clicks: moved, box: box && boxInRegion(box, region) };
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
