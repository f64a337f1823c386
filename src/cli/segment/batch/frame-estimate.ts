/** How far an input is. */
export type FrameWork = {
  /** Length of its file; null where nobody knows. */
  readonly bytes: number | null;
  /** Frames that it says it has; null where it does not. */
  readonly expected: number | null;
  readonly done: number;
  readonly isOver: boolean;
};

/**
 * Frames that all inputs have together: what they say, or as many for each byte as those had that are
 * over. Null where neither is known for one of them.
 */
export function estimateFrames(works: readonly FrameWork[]): number | null {
  const perByte = framesPerByte(works);
  let total = 0;
  for (const { bytes, expected, done, isOver } of works) {
    const byLength = bytes === null || perByte === null ? null : Math.round(bytes * perByte);
    const frames = isOver ? done : (expected ?? byLength);
    if (frames === null) return null;
    total += Math.max(frames, done);
  }
  return total;
}

/** Of inputs that did not say how many frames they have; null before the first of them is over. */
function framesPerByte(works: readonly FrameWork[]): number | null {
  let frames = 0;
  let length = 0;
  for (const { bytes, expected, done, isOver } of works) {
    if (!isOver || bytes === null || expected !== null) continue;
    frames += done;
    length += bytes;
  }
  return length === 0 ? null : frames / length;
}
