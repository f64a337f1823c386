/** Pictures after which their rate is known. */
const enoughPictures = 6;

/** A camera of less than one picture a second is not waited for. */
const enoughUs = 1_000_000;

/** Rate of a camera that was seen for one picture only, or whose clock stands still. */
const fallbackRate = 25;

/** Whether these times, in microseconds, are enough to tell a rate by. */
export function tellsFrameRate(timesUs: readonly number[]): boolean {
  const spanUs = (timesUs.at(-1) ?? 0) - (timesUs[0] ?? 0);
  return timesUs.length >= enoughPictures || (timesUs.length > 1 && spanUs >= enoughUs);
}

/** Frames a second by the median of the distances, which a late picture does not move. */
export function frameRateOf(timesUs: readonly number[]): number {
  const distances = timesUs
    .slice(1)
    .map((time, index) => time - timesUs[index]!)
    .filter((distance) => distance > 0)
    .toSorted((a, b) => a - b);
  const median = distances[distances.length >> 1];
  return median === undefined ? fallbackRate : Math.round(100_000_000 / median) / 100;
}
