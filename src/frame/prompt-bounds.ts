import { SegmentationError } from './errors.ts';
import { clipBox, type Size } from './geometry.ts';
import type { Prompts } from './prompt.ts';

/**
 * The checks of a prompt that need the display size, which is known only once the first frame is:
 * the door checks the rest. Clips the box to the picture.
 *
 * @throws SegmentationError `invalid-prompt`: a click outside the picture, a box with no area left
 *   in it, or a mask of another size.
 */
export function fitPromptsToPicture(prompts: Prompts, display: Size): Prompts {
  const { width, height } = display;
  for (const { x, y } of prompts.points) {
    if (x >= 0 && y >= 0 && x < width && y < height) continue;
    throw new SegmentationError(
      'invalid-prompt',
      `point must lie in the ${width} x ${height} picture, got (${x}, ${y})`,
    );
  }
  const box = prompts.box === null ? null : clipBox(prompts.box, display);
  if (prompts.box !== null && box === null) {
    const { x, y, width: w, height: h } = prompts.box;
    throw new SegmentationError(
      'invalid-prompt',
      `box must overlap the ${width} x ${height} picture, got ${w} x ${h} at (${x}, ${y})`,
    );
  }
  const size = prompts.mask?.size;
  if (size !== undefined && (size.width !== width || size.height !== height)) {
    throw new SegmentationError(
      'invalid-prompt',
      `mask must have the display size ${width} x ${height}, got ${size.width} x ${size.height}`,
    );
  }
  return { ...prompts, box };
}
