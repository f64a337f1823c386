import { SegmentationError } from '../../frame/errors.ts';
import type { Frame } from '../../frame/frame.ts';
import { fitPromptsToPicture } from '../../frame/prompt-bounds.ts';
import type { PromptUpdate } from '../../frame/prompt.ts';
import { newObjectRecord, type ObjectRecord, type ObjectRecords } from './object-record.ts';
import { isResumeUpdate } from './resume-updates.ts';
import type { ObjectAction } from '../../tracking/tracker-types.ts';
import type { TextInstance, TextRequest } from '../../frame/ports.ts';

/** What the updates need besides themselves. */
export type PromptScene = {
  readonly records: ObjectRecords;
  readonly frame: Frame;
  /** Most clicks on one frame that the model takes for one object. */
  readonly maxClicks: number;
  readonly findText: (query: Omit<TextRequest, 'frame'>) => Promise<TextInstance[]>;
};

/** How one update ended. */
export type PromptOutcome =
  | { readonly kind: 'applied'; readonly update: PromptUpdate; readonly objectIds: number[] }
  | { readonly kind: 'refused'; readonly update: PromptUpdate; readonly error: SegmentationError };

/** A frame's prompts, applied to the records. */
export type PromptedFrame = {
  readonly records: ObjectRecords;
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
  if (action === 'remove') {
    if (!draft.records.has(objectId)) throw unknownObject(update, scene);
    draft.records.delete(objectId);
    for (const set of [draft.asked, draft.fresh, draft.given]) set.delete(objectId);
    draft.actions.push({ kind: 'removed', objectId });
    return [objectId];
  }
  // A resumed stream's masks may have another size: the tracker scales them.
  const prompts = isResumeUpdate(update)
    ? update.prompts
    : fitPromptsToPicture(update.prompts, scene.frame.display);
  const record = recordFor(draft, update, scene);
  const continues = action === 'refine' && record.prompt.frameIndex === scene.frame.index;
  const before = continues ? record.prompt : { clicks: [], box: null };
  const clicks = [...before.clicks, ...prompts.points];
  if (clicks.length > scene.maxClicks) {
    const message = `the model takes at most ${scene.maxClicks} clicks on one frame for one object`;
    throw new SegmentationError('invalid-prompt', `${message}, got ${clicks.length}`);
  }
  draft.records.set(objectId, {
    ...(action === 'replace' ? { ...record, promptMemory: null, recentMemory: [] } : record),
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

function recordFor(draft: Draft, update: PromptUpdate, scene: PromptScene): ObjectRecord {
  const { objectId, action, label } = update;
  const known = draft.records.get(objectId);
  if (action === 'add') {
    const { index, timestampUs } = scene.frame;
    return newObjectRecord(objectId, label, { frameIndex: index, timestampUs });
  }
  if (known) return known;
  throw unknownObject(update, scene);
}

function unknownObject({ action, objectId }: PromptUpdate, scene: PromptScene): SegmentationError {
  const message =
    `${action.toUpperCase()} needs an object that exists on frame ${scene.frame.index}, ` +
    `got id ${objectId}`;
  return new SegmentationError('unknown-object', message);
}

/** Each instance that the phrase finds becomes an object, prompted by its box. */
async function applyText(
  draft: Draft,
  update: PromptUpdate,
  scene: PromptScene,
): Promise<number[]> {
  if (update.text === null) return [];
  const { firstObjectId, ...query } = update.text;
  const { maxObjects } = query;
  const instances = await scene.findText(query);
  const { width, height } = scene.frame.display;
  return instances.slice(0, maxObjects).map((instance, i) => {
    const objectId = firstObjectId + i;
    const box = {
      x: instance.box.x * width,
      y: instance.box.y * height,
      width: instance.box.width * width,
      height: instance.box.height * height,
    };
    const { index, timestampUs } = scene.frame;
    const label = update.label ?? instance.noun;
    const record = newObjectRecord(objectId, label, { frameIndex: index, timestampUs });
    draft.records.set(objectId, { ...record, prompt: { ...record.prompt, box } });
    draft.asked.add(objectId);
    draft.fresh.add(objectId);
    return objectId;
  });
}

/** Failures of ours end the stream; failures of a prompt end the prompt. */
function isFatal(error: SegmentationError): boolean {
  return !['invalid-prompt', 'unknown-object', 'unknown-word', 'unsupported-prompt'].includes(
    error.code,
  );
}
