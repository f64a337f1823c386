import type { Frame } from '../../frame/frame.ts';
import { inFractions, wholePicture, type Box, type Size } from '../../frame/geometry.ts';
import type { PlannedObject, PlanObject } from '../../tracking/keyframe-plan.ts';
import type { PriorMask } from '../../tracking/tracker-types.ts';
import type { ObjectRecord } from '../prompts/object-record.ts';
import type { PromptedFrame } from '../prompts/apply-prompts.ts';
import type { KeyframeMasks } from './memory.ts';
import { sharedRegion } from '../../frame/region-of-interest.ts';
import { pixelUnder, promptInPicture, type PicturePrompt } from './prompt-geometry.ts';
import type { TrackerHandle } from '../tracker/pool.ts';

/** What a keyframe is planned from. */
export type KeyframeInput = {
  readonly frame: Frame;
  /** All live objects. */
  readonly records: readonly ObjectRecord[];
  readonly prompted: PromptedFrame;
  /** See `ModelInfo.tracking`. */
  readonly regionScale: number | null;
};

/** How one object is put to the model on a keyframe. Regions are in fractions of the picture. */
export type KeyframeObject = {
  readonly record: ObjectRecord;
  /** Region of interest: the part of the picture to encode. */
  readonly region: Box;
} & (
  | { readonly kind: 'prompted'; readonly prompt: PicturePrompt }
  | { readonly kind: 'corrected'; readonly prompt: PicturePrompt; readonly prior: PriorMask }
  | {
      readonly kind: 'tracked';
      readonly prior: PriorMask;
      /** Where to re-detect it by memory if its mask leads to nothing; null: nowhere. */
      readonly redetectionRegion: Box | null;
    }
  | { readonly kind: 'hidden' }
);

/** An object of one kind. */
export type KeyframeObjectOf<Kind extends KeyframeObject['kind']> = Extract<
  KeyframeObject,
  { readonly kind: Kind }
>;

/** Which objects the model is asked about, and which part of the picture they share. */
export type KeyframePlan = {
  readonly region: Box;
  readonly objects: readonly KeyframeObject[];
  /** Masks that clients gave on this frame. */
  readonly given: KeyframeMasks;
};

/** Plans a keyframe: given masks are answered as they are, hidden objects are re-detected anywhere. */
export async function planKeyframe(
  tracker: TrackerHandle,
  input: KeyframeInput,
): Promise<KeyframePlan> {
  const { frame, records, prompted, regionScale } = input;
  const plan = await tracker.call('plan', {
    regionScale,
    objects: records.map((record) => planObject(record, prompted, frame.display)),
  });
  const region = plan.region ?? wholePicture;
  const recordOf = new Map(records.map((record) => [record.objectId, record]));
  const objects = plan.objects.flatMap((planned) => {
    const record = recordOf.get(planned.objectId);
    if (record === undefined) return [];
    return prompted.asked.has(planned.objectId)
      ? promptedObject(record, planned.prior, { around: region, display: frame.display })
      : unpromptedObject(record, planned, { region, regionScale });
  });
  return { region, objects, given: shownMasks(plan.given, region) };
}

/** What the prompts of this frame say of an object, in fractions of the picture. */
function planObject(record: ObjectRecord, prompted: PromptedFrame, display: Size): PlanObject {
  const { objectId, prompt, state } = record;
  const isFresh = prompted.fresh.has(objectId);
  const isGiven = prompted.given.has(objectId);
  const box = isFresh && prompt.box !== null ? inFractions(prompt.box, display) : null;
  if (!prompted.asked.has(objectId)) {
    return { objectId, kind: state === 'pending' ? 'pending' : 'tracked', box, clicks: [] };
  }
  const kind = isGiven ? 'given' : isFresh ? 'prompted' : 'corrected';
  return { objectId, kind, box, clicks: prompt.clicks.map((click) => pixelUnder(click, display)) };
}

/** An object whose place is not known may be anywhere. */
function unpromptedObject(
  record: ObjectRecord,
  { redetection, prior }: PlannedObject,
  { region, regionScale }: { readonly region: Box; readonly regionScale: number | null },
): KeyframeObject {
  const { kind, place } = redetection;
  // A small object is re-detected in a zoomed crop where its colours are, else in the whole picture.
  const elsewhere = place === null ? wholePicture : sharedRegion([place], regionScale);
  if (!prior?.box) return { kind: 'hidden', record, region: elsewhere };
  return {
    kind: 'tracked',
    record,
    region,
    prior,
    redetectionRegion: kind === 'kept' ? null : elsewhere,
  };
}

/** All parts of the picture that the model may be shown for an object. */
export function shownRegions(object: KeyframeObject): Box[] {
  const other = object.kind === 'tracked' ? object.redetectionRegion : null;
  return other === null ? [object.region] : [object.region, other];
}

/** Clicks alone may be anywhere: they are segmented in the whole picture. */
function promptedObject(
  record: ObjectRecord,
  prior: PriorMask | null,
  { around, display }: { readonly around: Box; readonly display: Size },
): KeyframeObject {
  const prompt = promptInPicture(record.prompt, display);
  const isPlaced = prompt.box !== null || (prior !== null && prior.box !== null);
  const region = isPlaced ? around : wholePicture;
  return prior === null
    ? { kind: 'prompted', record, region, prompt }
    : { kind: 'corrected', record, region, prompt, prior };
}

/** Given masks as a keyframe remembers them; "it is not here" says nothing about its appearance. */
function shownMasks(given: readonly PriorMask[], region: Box): KeyframeMasks {
  const shown = given.filter(({ box }) => box !== null);
  return new Map(shown.map(({ objectId, mask }) => [objectId, { mask, region, predictedIou: 1 }]));
}
