import { wholePicture, type Box } from '../frame/geometry.ts';
import { sharedRegion } from '../frame/region-of-interest.ts';
import type { PriorMask, Redetection } from './tracker-types.ts';

/** What a keyframe knows of one object before it knows where it is. Boxes are in fractions of the picture. */
export type PlanObject = {
  readonly objectId: number;
  /**
   * `prompted`: named anew on this frame; `corrected`: prompts on this frame correct its mask;
   * `given`: its mask came with the prompt; `tracked`: no prompt on this frame; `pending`: nor any
   * mask so far.
   */
  readonly kind: 'prompted' | 'corrected' | 'given' | 'tracked' | 'pending';
  /** The box that named it anew on this frame; null without one. */
  readonly box: Box | null;
  /** The pixels that its clicks on this frame are on. */
  readonly clicks: readonly Box[];
};

/** What a keyframe asks of the tracker before the model runs. */
export type PlanRequest = {
  readonly objects: readonly PlanObject[];
  /** See `ModelInfo.tracking`; null: the whole picture is encoded. */
  readonly regionScale: number | null;
};

/** Where an object is that the model is to be asked about. */
export type PlannedObject = {
  readonly objectId: number;
  readonly redetection: Redetection;
  /** Its mask in the region; null where prompts name it anew. */
  readonly prior: PriorMask | null;
};

/** The tracker's answer to a {@link PlanRequest}. It crosses a thread, so regions have no identity. */
export type TrackerPlan = {
  /** Region of interest that the objects share, in fractions of the picture; null: the whole picture. */
  readonly region: Box | null;
  /** Those that the model is to be asked about, in the order of the request. */
  readonly objects: readonly PlannedObject[];
  /** Given masks in the region. */
  readonly given: readonly PriorMask[];
};

/** What the tracker knows of its objects on the current frame. */
export type TrackerKnowledge = {
  /** Bounds of an object's mask, in fractions of the picture; null where it has none. */
  readonly boundsOf: (objectId: number) => Box | null;
  readonly redetectionOf: (objectId: number) => Redetection;
  readonly priorIn: (region: Box, objectId: number) => PriorMask;
};

type PlacedObject = PlanObject & {
  readonly bounds: Box | null;
  readonly redetection: Redetection;
};

/** Share of the picture from which a region's objects may as well be seen in the whole picture. */
const minSharedArea = 1 / 3;

/** Which objects a keyframe asks the model about, in which region of interest. */
export function planObjects(
  { objects, regionScale }: PlanRequest,
  tracker: TrackerKnowledge,
): TrackerPlan {
  const placed = objects.map((object): PlacedObject => ({
    ...object,
    bounds: tracker.boundsOf(object.objectId),
    redetection: tracker.redetectionOf(object.objectId),
  }));
  const region = keyframeRegion(placed, regionScale);
  const given = placed.filter(({ kind }) => kind === 'given');
  return {
    region: region === wholePicture ? null : region,
    objects: placed.filter(isAsked).map(({ objectId, kind, redetection }) => ({
      objectId,
      redetection,
      prior: kind === 'prompted' ? null : tracker.priorIn(region, objectId),
    })),
    given: given.map(({ objectId }) => tracker.priorIn(region, objectId)),
  };
}

/** Not asked about: a given mask answers itself, and a re-detection may have to wait. */
function isAsked({ kind, redetection }: PlacedObject): boolean {
  if (kind === 'prompted' || kind === 'corrected') return true;
  return kind === 'tracked' && redetection.kind !== 'not-now';
}

/**
 * The region of interest that a keyframe's objects share: around those whose place is known. Where
 * one of them is to be re-detected anywhere, the whole picture serves all, if the others are not so
 * small in it that they would lose by it.
 */
function keyframeRegion(objects: readonly PlacedObject[], scale: number | null): Box {
  const around = regionAroundPlaced(objects, scale);
  const isWide = around.width * around.height >= minSharedArea;
  return isWide && objects.some((object) => isAsked(object) && isAnywhere(object, scale))
    ? wholePicture
    : around;
}

/** Whether an object is re-detected in the whole picture, not where its colours are. */
function isAnywhere({ redetection }: PlacedObject, scale: number | null): boolean {
  return redetection.kind === 'hidden' && (redetection.place === null || scale === null);
}

/** The region around the objects whose place is known, with the clicks on them. */
function regionAroundPlaced(objects: readonly PlacedObject[], scale: number | null): Box {
  if (scale === null) return wholePicture;
  const drawn = objects.flatMap(({ box }) => box ?? []);
  // The former mask of an object that is named anew does not count.
  const tracked = objects.flatMap(({ kind, bounds }) =>
    kind === 'prompted' ? [] : (bounds ?? []),
  );
  const boxes = [...drawn, ...tracked];
  const region = sharedRegion(boxes, scale);
  // A correction may be far from the mask that it corrects; the model must see both. An object that
  // is named by clicks alone is segmented in the whole picture.
  const far = objects
    .filter(({ kind, box }) => kind === 'corrected' || (kind === 'prompted' && box !== null))
    .flatMap(({ clicks }) => clicks)
    .filter((pixel) => !isWithin(pixel, region));
  return far.length === 0 ? region : sharedRegion([...boxes, ...far], scale);
}

function isWithin(pixel: Box, region: Box): boolean {
  const x = pixel.x + pixel.width / 2;
  const y = pixel.y + pixel.height / 2;
  return (
    x >= region.x && y >= region.y && x < region.x + region.width && y < region.y + region.height
  );
}
