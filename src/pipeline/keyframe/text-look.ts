import type { Frame } from '../../frame/frame.ts';
import { intersectBoxes, wholePicture, type Box } from '../../frame/geometry.ts';
import type { TextInstance } from '../../frame/ports.ts';
import { sharedRegion } from '../../frame/region-of-interest.ts';
import { newObjectRecord, type ObjectRecord } from '../prompts/object-record.ts';
import { coversId, type TextSearch } from '../prompts/text-search.ts';
import type { TrackerHandle } from '../tracker/pool.ts';
import { encodeInto, type KeyframeContext } from './encode.ts';
import type { ObjectAnswer } from './pass.ts';
import { promptInPicture } from './prompt-geometry.ts';
import { segmentObjects } from './segment.ts';
import { isThing, logitsBox } from './text-thing.ts';

/** What is followed already on the frame of a look. Boxes are in fractions of the picture. */
export type LookScene = {
  readonly visible: readonly { readonly objectId: number; readonly box: Box }[];
  /** Objects without a mask. */
  readonly hidden: readonly ObjectRecord[];
  /** Most new objects. */
  readonly room: number;
};

/** What a look at one frame found. */
export type Look = {
  readonly search: TextSearch;
  readonly frameIndex: number;
  readonly timestampUs: number;
  /** New objects, with the next ids of the search, and their masks. */
  readonly found: readonly (ObjectAnswer & { readonly record: ObjectRecord })[];
  /** The search's own objects that were hidden and are back. */
  readonly returned: readonly ObjectAnswer[];
};

/** From this IoU of their boxes on, an instance is what is followed there. */
const sameBoxIou = 0.5;
/** The same for an object that memory finds again where the phrase found something. */
const returnedBoxIou = 0.3;
/** A mask of which others claim such a share shows nothing new. */
const maxClaimedRatio = 0.5;

/**
 * Looks for a search's phrase on one frame: what is not followed yet, and is a thing by its mask, is
 * a new object, unless it is one of the search's own that has come back. Throws `unknown-word`.
 */
export async function lookForText(
  frame: Frame,
  search: TextSearch,
  scene: LookScene,
  parts: { readonly context: KeyframeContext; readonly tracker: TrackerHandle },
): Promise<Look> {
  const { context } = parts;
  const { maxObjects, phrase, minScore } = search.query;
  const features = await encodeInto(context, frame, wholePicture);
  const instances = await context.segmenter.findText(
    features,
    {
      phrase,
      frame,
      // What is followed already takes places too.
      maxObjects: maxObjects + scene.visible.length,
      ...(minScore === undefined ? {} : { minScore }),
    },
    context.signal,
  );
  const fresh = instances.filter(({ box }) => !isFollowed(box, scene));
  const returned = await findReturned(frame, fresh, { search, scene, context });
  const isBack = ({ box }: TextInstance): boolean =>
    returned.some(({ action }) => boxIou(logitsBox(action), box) >= returnedBoxIou);
  const open = Math.min(maxObjects - search.taken, Math.max(0, scene.room));
  const unknown = fresh.filter((instance) => !isBack(instance)).slice(0, open);
  const found = await segmentInstances(frame, unknown, { ...parts, search, scene });
  return { search, frameIndex: frame.index, timestampUs: frame.timestampUs, found, returned };
}

function isFollowed(box: Box, { visible }: LookScene): boolean {
  return visible.some((object) => boxIou(object.box, box) >= sameBoxIou);
}

/** The search's hidden objects are compared with what was found: they may just be back. */
async function findReturned(
  frame: Frame,
  instances: readonly TextInstance[],
  given: {
    readonly search: TextSearch;
    readonly scene: LookScene;
    readonly context: KeyframeContext;
  },
): Promise<ObjectAnswer[]> {
  const { search, scene, context } = given;
  const hidden = scene.hidden.filter(({ objectId }) => coversId(search, objectId));
  if (instances.length === 0 || hidden.length === 0) return [];
  const region = regionOf(instances, context);
  const objects = hidden.map((record) => ({ kind: 'hidden', record, region }) as const);
  const answers = await segmentObjects(context, frame, objects);
  return answers.filter(
    ({ action }) =>
      !action.hidden &&
      instances.some(({ box }) => boxIou(logitsBox(action), box) >= returnedBoxIou),
  );
}

/** Segments instances by their boxes; those that are no things of their own are left out. */
async function segmentInstances(
  frame: Frame,
  instances: readonly TextInstance[],
  given: {
    readonly search: TextSearch;
    readonly scene: LookScene;
    readonly context: KeyframeContext;
    readonly tracker: TrackerHandle;
  },
): Promise<Look['found']> {
  if (instances.length === 0) return [];
  const { search, scene, context, tracker } = given;
  const region = regionOf(instances, context);
  const objects = instances.map((instance, i) => {
    const record = recordOf(instance, { frame, search, number: i });
    const prompt = promptInPicture(record.prompt, frame.display);
    return { kind: 'prompted', record, region, prompt, box: instance.box } as const;
  });
  const answers = await segmentObjects(context, frame, objects);
  const actions = answers.map(({ action }) => action);
  const followed = scene.visible.map(({ objectId }) => objectId);
  const claimed = await tracker.call('claimedRatios', frame.index, actions, followed);
  const things = answers.flatMap(({ action, objectMemory }, i) => {
    const object = objects.find(({ record }) => record.objectId === action.objectId);
    if (!object || claimed[i]! > maxClaimedRatio || !isThing(action, object.box)) return [];
    return [{ record: object.record, action, objectMemory }];
  });
  // What was left out leaves no gap in the ids.
  return things.map(({ record, action, objectMemory }, i) => {
    const objectId = nextId(search, i);
    return { record: { ...record, objectId }, action: { ...action, objectId }, objectMemory };
  });
}

function recordOf(
  { box, noun }: TextInstance,
  given: { readonly frame: Frame; readonly search: TextSearch; readonly number: number },
): ObjectRecord {
  const { frame, search, number } = given;
  const { width, height } = frame.display;
  const at = { frameIndex: frame.index, timestampUs: frame.timestampUs };
  const record = newObjectRecord(nextId(search, number), search.label ?? noun, at);
  const drawn = {
    x: box.x * width,
    y: box.y * height,
    width: box.width * width,
    height: box.height * height,
  };
  return { ...record, prompt: { ...record.prompt, box: drawn } };
}

function nextId({ query, taken }: TextSearch, number: number): number {
  return query.firstObjectId + taken + number;
}

function regionOf(instances: readonly TextInstance[], { segmenter }: KeyframeContext): Box {
  const boxes = instances.map(({ box }) => box);
  return sharedRegion(boxes, segmenter.info.tracking.regionScale);
}

function boxIou(a: Box | null, b: Box): number {
  const shared = a && intersectBoxes(a, b);
  if (!a || !shared) return 0;
  const area = shared.width * shared.height;
  return area / (a.width * a.height + b.width * b.height - area);
}
