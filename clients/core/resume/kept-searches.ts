import type { PromptUpdate, ResumeSearch } from '../../../src/gen/maskstream/v1/video_request.ts';

type Search = ResumeSearch & { readonly text: NonNullable<ResumeSearch['text']> };

/** The phrases of a stream that are looked for until their ids are taken. */
export class KeptSearches {
  readonly #searches = new Map<number, Search>();

  constructor(searches: readonly ResumeSearch[]) {
    for (const { text, ...search } of searches) if (text) this.#put({ ...search, text });
  }

  /** Those of them whose ids are not all taken. */
  get open(): ResumeSearch[] {
    return [...this.#searches.values()];
  }

  /** An update took effect; where it is a phrase, so many ids were taken at once. */
  begin({ text, objectId, label }: PromptUpdate, taken: number): void {
    if (text === undefined || text.thisFrameOnly) return;
    const firstObjectId = text.firstObjectId || objectId;
    const maxObjects = text.maxObjects || 1;
    this.#put({ text: { ...text, firstObjectId, maxObjects }, label, taken });
  }

  /** Objects of a frame: ids of a range are taken in order. */
  found(objectIds: readonly number[]): void {
    for (const search of this.#searches.values()) {
      const { firstObjectId, maxObjects } = search.text;
      const places = objectIds.map((objectId) => objectId - firstObjectId + 1);
      const taken = Math.max(search.taken, ...places.filter((place) => place <= maxObjects));
      if (taken > search.taken) this.#put({ ...search, taken });
    }
  }

  /** Ends the search that an id belongs to; true where no object had it. */
  end(objectId: number): boolean {
    for (const [first, { text, taken }] of this.#searches) {
      if (objectId < first || objectId >= first + text.maxObjects) continue;
      this.#searches.delete(first);
      return objectId >= first + taken;
    }
    return false;
  }

  #put(search: Search): void {
    const { firstObjectId, maxObjects } = search.text;
    if (search.taken < maxObjects) this.#searches.set(firstObjectId, search);
    else this.#searches.delete(firstObjectId);
  }
}
