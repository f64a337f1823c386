import type { Frame } from '../../frame/frame.ts';

/** Frames from one that flow passes over to the next, at least: over fewer it finds its way. */
const minStride = 3;

/** Most frames of one gap that flow passes over. */
const mostFrames = 12;

/**
 * Of the frames that are given up in a gap, those that flow still passes over, evenly spread: over two
 * seconds in one step it would lose everything that moves. A gap is that long where a prompt waits for
 * the model on a busy server. Closes all others.
 *
 * @param dropped frames of the gap that are still open, oldest first
 * @param gap index of the last frame before it, and of the first one after it
 */
export function bridgeFrames(
  dropped: readonly Frame[],
  gap: { readonly from: number; readonly to: number },
): readonly Frame[] {
  const stride = Math.max(minStride, Math.ceil((gap.to - gap.from) / mostFrames));
  const kept: Frame[] = [];
  let next = gap.from + stride;
  for (const frame of dropped) {
    if (frame.index >= next) {
      kept.push(frame);
      next = frame.index + stride;
    } else {
      frame.close();
    }
  }
  return kept;
}
