import type { Frame } from '../../frame/frame.ts';
import { inFractions, wholePicture, type Box } from '../../frame/geometry.ts';
import type { PriorMask, Redetection } from '../../tracking/tracker-types.ts';
import type { ObjectRecord } from '../prompts/object-record.ts';
import type { PromptedFrame } from '../prompts/apply-prompts.ts';
import type { KeyframeMasks } from './memory.ts';
import { sharedRegion } from './regions.ts';
import { pixelUnder, type FramePrompt } from './prompt-geometry.ts';
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
  | { readonly kind: 'prompted'; readonly prompt: FramePrompt }
  | { readonly kind: 'corrected'; readonly prompt: FramePrompt; readonly prior: PriorMask }
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
export type KeyframePlan = { readonly region: Box; readonly objects: readonly KeyframeObject[] };

/** Share of the picture from which a region's objects may as well be seen in the whole picture. */
const minSharedArea = 1 / 3;

/** Plans a keyframe: given masks are answered as they are, hidden objects are re-detected anywhere. */
export async function planKeyframe(
  tracker: TrackerHandle,
  input: KeyframeInput,
): Promise<KeyframePlan> {
  const { records, prompted, regionScale } = input;
  const around = await planRegion(tracker, input);
  const redetections = await tracker.call(
    'redetections',
    records.map(({ objectId }) => objectId),
  );
  const asked = records.flatMap((record, i) => {
    const redetection = redetections[i];
    const { objectId, state } = record;
    if (redetection === undefined || prompted.given.has(objectId)) return [];
    const isDue = state !== 'pending' && redetection.kind !== 'not-now';
    if (!isDue && !prompted.asked.has(objectId)) return [];
    return [{ record, kind: redetection.kind, elsewhere: regionAt(redetection, regionScale) }];
  });
  // One run serves all, if the others are not so small in the whole picture that they would lose by it.
  const isWideRedetection = asked.some(
    ({ kind, elsewhere }) => kind === 'hidden' && elsewhere === wholePicture,
  );
  const isWide = around.width * around.height >= minSharedArea;
  const region = isWideRedetection && isWide ? wholePicture : around;
  const priors = await tracker.call(
    'priors',
    asked.map(({ record }) => record.objectId),
    region,
  );
  const objects = asked.map(({ record, kind, elsewhere }, i): KeyframeObject => {
    const prior = priors[i] ?? null;
    if (prompted.asked.has(record.objectId)) {
      const isFresh = prompted.fresh.has(record.objectId);
      return promptedObject(record, isFresh ? null : prior, region);
    }
    // An object whose place is not known may be anywhere.
    if (!prior?.box) return { kind: 'hidden', record, region: elsewhere };
    const redetectionRegion = kind === 'kept' ? null : elsewhere;
    return { kind: 'tracked', record, region, prior, redetectionRegion };
  });
  return { region, objects };
}

/** All parts of the picture that the model may be shown for an object. */
export function regionsOf(object: KeyframeObject): Box[] {
  const other = object.kind === 'tracked' ? object.redetectionRegion : null;
  return other === null ? [object.region] : [object.region, other];
}

/** A small object is re-detected in a zoomed crop where its colours are, else in the whole picture. */
function regionAt({ place }: Redetection, regionScale: number | null): Box {
  return place === null ? wholePicture : sharedRegion([place], regionScale);
}

/** Clicks alone may be anywhere: they are segmented in the whole picture. */
function promptedObject(
  record: ObjectRecord,
  prior: PriorMask | null,
  around: Box,
): KeyframeObject {
  const { prompt } = record;
  const isPlaced = prompt.box !== null || (prior !== null && prior.box !== null);
  const region = isPlaced ? around : wholePicture;
  return prior === null
    ? { kind: 'prompted', record, region, prompt }
    : { kind: 'corrected', record, region, prompt, prior };
}

/** Given masks as a keyframe remembers them; "it is not here" says nothing about its appearance. */
export async function givenMasks(
  tracker: TrackerHandle,
  objectIds: readonly number[],
  region: Box,
): Promise<KeyframeMasks> {
  const masks = await tracker.call('priors', objectIds, region);
  const shown = masks.filter(({ box }) => box !== null);
  return new Map(shown.map(({ objectId, mask }) => [objectId, { mask, region, predictedIou: 1 }]));
}

/** The part of the picture that the objects share whose place is known, with the clicks on them. */
async function planRegion(tracker: TrackerHandle, input: KeyframeInput): Promise<Box> {
  const { frame, records, prompted, regionScale } = input;
  if (regionScale === null) return wholePicture;
  const drawn = records.flatMap(({ objectId, prompt }) =>
    prompted.fresh.has(objectId) && prompt.box !== null
      ? [inFractions(prompt.box, frame.display)]
      : [],
  );
  // Given masks are in the tracker already; the former mask of a fresh prompt does not count.
  const placed = records.filter(
    ({ objectId }) => !prompted.fresh.has(objectId) || prompted.given.has(objectId),
  );
  const tracked = await tracker.call(
    'boxes',
    placed.map(({ objectId }) => objectId),
  );
  const boxes = [...drawn, ...tracked.filter((box) => box !== null)];
  const region = sharedRegion(boxes, regionScale);
  // A correction may be far from the mask that it corrects; the model must see both. An object that
  // is named by clicks alone is segmented in the whole picture.
  const far = records
    .filter(({ objectId }) => prompted.asked.has(objectId) && !prompted.given.has(objectId))
    .filter(({ objectId, prompt }) => !prompted.fresh.has(objectId) || prompt.box !== null)
    .flatMap(({ prompt }) => prompt.clicks)
    .map((click) => pixelUnder(click, frame.display))
    .filter((pixel) => !isWithin(pixel, region));
  return far.length === 0 ? region : sharedRegion([...boxes, ...far], regionScale);
}

function isWithin(pixel: Box, region: Box): boolean {
  const x = pixel.x + pixel.width / 2;
  const y = pixel.y + pixel.height / 2;
  return (
    x >= region.x && y >= region.y && x < region.x + region.width && y < region.y + region.height
  );
}
