import type { PromptUpdate } from '../../frame/prompt.ts';
import type { ResumeState } from '../session-types.ts';
import { referenceUpdates, resumeUpdates } from './resume-updates.ts';
import { resumedSearch, type TextSearch } from './text-search.ts';

/** Where a stream goes on from another one: its state, until the frame is there that it belongs to. */
export class ResumePoint {
  #state: ResumeState | null;
  /** Objects that a frame before that one showed. */
  readonly #referenced = new Set<number>();

  /** @param state null: the stream begins without objects */
  constructor(state: ResumeState | null) {
    this.#state = state;
  }

  /** The state as long as it is not taken. */
  get state(): ResumeState | null {
    return this.#state;
  }

  /** The objects that are to be recognised from a frame. */
  references(frameIndex: number): PromptUpdate[] {
    const updates = this.#state === null ? [] : referenceUpdates(this.#state, frameIndex);
    for (const { objectId } of updates) this.#referenced.add(objectId);
    return updates;
  }

  /** The objects and phrases to go on with, on their frame; null where that is done. */
  take(frameIndex: number): { updates: PromptUpdate[]; searches: readonly TextSearch[] } | null {
    const state = this.#state;
    if (state === null) return null;
    this.#state = null;
    return {
      updates: resumeUpdates(state, this.#referenced),
      searches: state.searches.map((search) => resumedSearch(search, frameIndex)),
    };
  }
}
