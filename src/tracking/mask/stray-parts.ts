import { rivalProbability, type Contest } from './contest.ts';

/** A part of at least this share of what its object claims is never taken for noise. */
const keptRatio = 0.25;

/**
 * Gives disputed parts of an object that are connected to none of its undisputed pixels to the rival
 * at each pixel, by exchange of their values.
 *
 * @param settled probabilities over the contest's area; changed in place
 * @param claimedAreas pixels that each object claims in all
 */
export function giveStrayParts(
  settled: readonly Float32Array[],
  { disputed, values, area }: Contest,
  claimedAreas: readonly number[],
): void {
  const owners = new Int16Array(disputed.length);
  for (let at = 0; at < owners.length; at++) owners[at] = ownerAt(settled, at);
  const seen = new Uint8Array(owners.length);
  for (let start = 0; start < owners.length; start++) {
    const owner = owners[start]!;
    if (disputed[start] !== 1 || seen[start] === 1 || owner < 0) continue;
    const { pixels, connected } = partAt(start, { owners, disputed, seen, area });
    if (connected || pixels.length >= keptRatio * claimedAreas[owner]!) continue;
    for (const at of pixels) {
      const rivals = values.map((held) => held[at]! >= rivalProbability);
      exchange(settled, { rivals, at, owner });
    }
  }
}

/** The disputed part around a pixel, and whether an undisputed pixel of its owner touches it. */
function partAt(
  start: number,
  {
    owners,
    disputed,
    seen,
    area: { width, height },
  }: Pick<Contest, 'disputed' | 'area'> & {
    readonly owners: Int16Array;
    readonly seen: Uint8Array;
  },
): { readonly pixels: readonly number[]; readonly connected: boolean } {
  const pixels = [start];
  let connected = false;
  seen[start] = 1;
  const visit = (at: number): void => {
    if (owners[at] !== owners[start]) return;
    if (disputed[at] !== 1) connected = true;
    else if (seen[at] !== 1) {
      seen[at] = 1;
      pixels.push(at);
    }
  };
  for (let next = 0; next < pixels.length; next++) {
    const at = pixels[next]!;
    const x = at % width;
    if (x > 0) visit(at - 1);
    if (x < width - 1) visit(at + 1);
    if (at >= width) visit(at - width);
    if (at < width * (height - 1)) visit(at + width);
  }
  return { pixels, connected };
}

/** Who holds the most of a pixel, and at least one half; the first of several; -1 where nobody does. */
function ownerAt(settled: readonly Float32Array[], at: number): number {
  let owner = -1;
  let most = 0;
  for (let i = 0; i < settled.length; i++) {
    const value = settled[i]![at]!;
    if (value < 0.5 || value <= most) continue;
    owner = i;
    most = value;
  }
  return owner;
}

/** Exchanges what the owner of a pixel holds with the strongest of its rivals. */
function exchange(
  settled: readonly Float32Array[],
  { rivals, at, owner }: { readonly rivals: readonly boolean[]; at: number; owner: number },
): void {
  const others = settled.filter((_, i) => i !== owner && rivals[i]);
  const to = others.reduce((best, held) => (held[at]! > best[at]! ? held : best));
  const from = settled[owner]!;
  [from[at], to[at]] = [to[at]!, from[at]!];
}
