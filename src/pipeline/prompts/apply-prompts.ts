import { SegmentationError } from '../../frame/errors.ts';
import type { Frame } from '../../frame/frame.ts';
import { fitPromptsToPicture } from '../../frame/prompt-bounds.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import { newObjectRecord, type ObjectRecord, type ObjectRecords } from './object-record.ts';
import { isResumeUpdate } from './resume-updates.ts';
import type { ObjectAction } from '../../tracking/tracker-types.ts';
import { coversId, newTextSearch, type TextSearch } from './text-search.ts';

/** What the updates need besides themselves. */
export type PromptScene = {
  readonly records: ObjectRecords;
  readonly searches: readonly TextSearch[];
  readonly frame: Frame;
  /** Most clicks on one frame that the model takes for one object. */
  readonly maxClicks: number;
  /** Most objects of the stream. */
  readonly maxObjects: number;
  /** Looks for a phrase on the frame: objects, searches, and whose masks it made. */
  readonly look: (
    search: TextSearch,
    known: { readonly records: ObjectRecords; readonly searches: readonly TextSearch[] },
  ) => Promise<{
    readonly records: ObjectRecords;
    readonly searches: readonly TextSearch[];
    readonly objectIds: readonly number[];
  }>;
};

/** How one update ended. */
export type PromptOutcome =
  | { readonly kind: 'applied'; readonly update: PromptUpdate; readonly objectIds: number[] }
  | { readonly kind: 'refused'; readonly update: PromptUpdate; readonly error: SegmentationError };

/** A frame's prompts, applied to the records. */
export type PromptedFrame = {
  readonly records: ObjectRecords;
  readonly searches: readonly TextSearch[];
  /** Objects that phrases found on this frame: their masks are made. It becomes a keyframe too. */
  readonly found: ReadonlySet<number>;
  /** Objects with prompts on this frame: it becomes a keyframe where there is one. */
  readonly asked: ReadonlySet<number>;
  /** Those of them that start anew instead of correcting their propagated mask. */
  readonly fresh: ReadonlySet<number>;
  /** Those of them whose mask the client gave. */
  readonly given: ReadonlySet<number>;
  /** Given masks and removals, for the tracker. */
  readonly actions: readonly ObjectAction[];
  readonly outcomes: readonly PromptOutcome[];
};

type Draft = {
  readonly records: Map<number, ObjectRecord>;
  searches: readonly TextSearch[];
  readonly found: Set<number>;
  readonly asked: Set<number>;
  readonly fresh: Set<number>;
  readonly given: Set<number>;
  readonly actions: ObjectAction[];
};

/**
 * Applies all updates of one frame together, in the order in which they came. One that turns out
 * to be wrong is refused and changes nothing; the others still apply.
 */
export async function applyPrompts(
  updates: readonly PromptUpdate[],
  scene: PromptScene,
): Promise<PromptedFrame> {
  const draft: Draft = {
    records: new Map(scene.records),
    searches: scene.searches,
    found: new Set(),
    asked: new Set(),
    fresh: new Set(),
    given: new Set(),
    actions: [],
  };
  const outcomes: PromptOutcome[] = [];
  for (const update of updates) {
    try {
      const objectIds =
        update.text === null
          ? applyOne(draft, update, scene)
          : await applyText(draft, update, scene);
      outcomes.push({ kind: 'applied', update, objectIds });
    } catch (reason) {
      if (!(reason instanceof SegmentationError) || isFatal(reason)) throw reason;
      outcomes.push({ kind: 'refused', update, error: reason });
    }
  }
  return { ...draft, outcomes };
}

function applyOne(draft: Draft, update: PromptUpdate, scene: PromptScene): number[] {
  const { objectId, action } = update;
  if (action === 'remove') return removeOne(draft, update, scene);
  // A resumed stream's masks may have another size: the tracker scales them.
  const prompts = isResumeUpdate(update)
    ? update.prompts
    : fitPromptsToPicture(update.prompts, scene.frame.display);
  const record = resumedAs(update, recordFor(draft, update, scene));
  const continues = action === 'refine' && record.prompt.frameIndex === scene.frame.index;
  const before = continues ? record.prompt : { clicks: [], box: null };
  const clicks = [...before.clicks, ...prompts.points];
  if (clicks.length > scene.maxClicks) {
    const message = `the model takes at most ${scene.maxClicks} clicks on one frame for one object`;
    throw new SegmentationError('invalid-prompt', `${message}, got ${clicks.length}`);
  }
  draft.records.set(objectId, {
    ...(action === 'replace' ? withoutMemory(record) : record),
    label: update.label ?? record.label,
    prompt: {
      frameIndex: scene.frame.index,
      clicks,
      box: prompts.box ?? before.box,
    },
  });
  draft.asked.add(objectId);
  if (action !== 'refine') draft.fresh.add(objectId);
  if (prompts.mask !== null) {
    draft.given.add(objectId);
    draft.actions.push({ kind: 'given', objectId, mask: prompts.mask });
  }
  return [objectId];
}

/**
 * Ends an object, or a search by any id of its range: whoever sends an instance away does not want it
 * to be found again.
 */
function removeOne(draft: Draft, update: PromptUpdate, scene: PromptScene): number[] {
  const { objectId } = update;
  const searches = draft.searches.filter((search) => !coversId(search, objectId));
  const isSearched = searches.length < draft.searches.length;
  draft.searches = searches;
  if (!draft.records.has(objectId)) {
    if (isSearched) return [objectId];
    throw unknownObject(update, scene);
  }
  draft.records.delete(objectId);
  for (const set of [draft.asked, draft.fresh, draft.given, draft.found]) set.delete(objectId);
  draft.actions.push({ kind: 'removed', objectId });
  return [objectId];
}

function withoutMemory(record: ObjectRecord): ObjectRecord {
  return { ...record, promptMemory: null, recentMemory: [], objectMemory: null };
}

function recordFor(draft: Draft, update: PromptUpdate, scene: PromptScene): ObjectRecord {
  const { objectId, action, label } = update;
  const known = draft.records.get(objectId);
  if (action === 'add') {
    checkRoom(draft, scene);
    const { index, timestampUs } = scene.frame;
    return newObjectRecord(objectId, label, { frameIndex: index, timestampUs });
  }
  if (known) return known;
  throw unknownObject(update, scene);
}

/** Found here, since a standing search may have found objects after the update was taken in. */
function checkRoom({ records }: Draft, { maxObjects }: PromptScene): void {
  if (records.size < maxObjects) return;
  const message = `at most ${maxObjects} objects may be alive, got one more`;
  throw new SegmentationError('too-many-objects', message);
}

/** An object of a resumed stream is in the state in which it was, however that came. */
function resumedAs(update: PromptUpdate, record: ObjectRecord): ObjectRecord {
  if (!isResumeUpdate(update)) return record;
  const { state } = update;
  return { ...record, state, lastSeenUs: state === 'lost' ? -Infinity : record.lastSeenUs };
}

function unknownObject({ action, objectId }: PromptUpdate, scene: PromptScene): SegmentationError {
  const message =
    `${action.toUpperCase()} needs an object that exists on frame ${scene.frame.index}, ` +
    `got id ${objectId}`;
  return new SegmentationError('unknown-object', message);
}

/** A phrase is looked for at once, and again on later frames until its ids are taken. */
async function applyText(
  draft: Draft,
  update: PromptUpdate,
  scene: PromptScene,
): Promise<number[]> {
  if (update.text === null) return [];
  const search = newTextSearch(update.text, update.label, scene.frame.index);
  const { records, searches, objectIds } = await scene.look(search, draft);
  for (const [objectId, record] of records) draft.records.set(objectId, record);
  if (update.text.thisFrameOnly !== true) draft.searches = searches;
  for (const objectId of objectIds) draft.found.add(objectId);
  return [...objectIds];
}

/** Failures of ours end the stream; failures of a prompt end the prompt. */
function isFatal(error: SegmentationError): boolean {
  return ![
    'invalid-prompt',
    'too-many-objects',
    'unknown-object',
    'unknown-word',
    'unsupported-prompt',
  ].includes(error.code);
}
