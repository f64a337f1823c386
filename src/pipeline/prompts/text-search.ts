import type { TextQuery } from '../../frame/prompt.ts';

/**
 * Frames between two looks for a phrase: the first pause, which each look in vain doubles, and the
 * longest. A look costs up to three encoder runs, so a phrase that is nowhere must cost little.
 */
const minPauseFrames = 8;
const maxPauseFrames = 128;

/**
 * A standing search: a phrase that is looked for until all ids of its range are taken. All that a
 * stream remembers of it; immutable, so that a correction can go back to any frame.
 */
export type TextSearch = {
  readonly query: TextQuery;
  /** Label of what it finds; null: the noun. */
  readonly label: string | null;
  /** Ids of the range that instances have taken so far, from the first on. */
  readonly taken: number;
  /** It is looked for again from this frame on. */
  readonly dueFrame: number;
  readonly pauseFrames: number;
};

/** A search that begins on a frame, where the first look belongs. */
export function newTextSearch(
  query: TextQuery,
  label: string | null,
  frameIndex: number,
): TextSearch {
  const pauseFrames = minPauseFrames / 2;
  return { query, label, taken: 0, dueFrame: frameIndex + pauseFrames, pauseFrames };
}

/** A search of an earlier stream, which goes on behind a frame. */
export function resumedSearch(
  search: Pick<TextSearch, 'query' | 'label' | 'taken'>,
  frameIndex: number,
): TextSearch {
  return { ...search, dueFrame: frameIndex + 1, pauseFrames: minPauseFrames };
}

/** The search after a look on a frame that found so many instances. */
export function afterLook(search: TextSearch, frameIndex: number, found: number): TextSearch {
  const pauseFrames = found > 0 ? minPauseFrames : Math.min(maxPauseFrames, 2 * search.pauseFrames);
  const dueFrame = frameIndex + pauseFrames;
  return { ...search, taken: search.taken + found, dueFrame, pauseFrames };
}

/** The searches after a look; one whose ids are all taken is over. */
export function replaceSearch(
  searches: readonly TextSearch[],
  next: TextSearch,
): readonly TextSearch[] {
  const { firstObjectId, maxObjects } = next.query;
  const others = searches.filter(({ query }) => query.firstObjectId !== firstObjectId);
  return next.taken < maxObjects ? [...others, next] : others;
}

/** Whether an id is of the search's range. */
export function coversId(
  { query: { firstObjectId, maxObjects } }: TextSearch,
  id: number,
): boolean {
  return id >= firstObjectId && id < firstObjectId + maxObjects;
}

/** Ids of the range that nothing has taken yet. */
export function openIds({
  query: { firstObjectId, maxObjects },
  taken,
}: Pick<TextSearch, 'query' | 'taken'>): number[] {
  return Array.from({ length: maxObjects - taken }, (_, i) => firstObjectId + taken + i);
}

/** The searches to look at on a frame: those whose pause is over, on a cut all, none of them twice. */
export function dueSearches(
  searches: readonly TextSearch[],
  { frameIndex, isCut }: { readonly frameIndex: number; readonly isCut: boolean },
): readonly TextSearch[] {
  return searches.filter(({ dueFrame, pauseFrames }) => {
    const lookedAt = dueFrame - pauseFrames;
    return dueFrame <= frameIndex || (isCut && lookedAt < frameIndex);
  });
}
