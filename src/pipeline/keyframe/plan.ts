import type { Frame } from '../../frame/frame.ts';
import { inFractions, wholePicture, type Box } from '../../frame/geometry.ts';
import type { ObjectRecord } from '../prompts/object-record.ts';
import type { PromptedFrame } from '../prompts/apply-prompts.ts';
import type { KeyframeMasks } from './memory.ts';
import { sharedRegion } from './regions.ts';
import { pixelUnder, type KeyframeObject } from './pass.ts';
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
  const redetectionOf = (record: ObjectRecord) => redetections[records.indexOf(record)];
  const asked = records.filter(({ objectId, state }, i) => {
    if (prompted.given.has(objectId)) return false;
    if (prompted.asked.has(objectId)) return true;
    return state !== 'pending' && redetections[i]?.kind !== 'not-now';
  });
  // A small object is re-detected in a zoomed crop where its colours are, else in the whole picture. Then
  // one run serves all, if the others are not so small in it that they would lose by it.
  const regionOfRedetection = (record: ObjectRecord): Box => {
    const place = redetectionOf(record)?.place ?? null;
    return place === null ? wholePicture : sharedRegion([place], regionScale);
  };
  const isWideRedetection = asked.some(
    (record) =>
      redetectionOf(record)?.kind === 'hidden' && regionOfRedetection(record) === wholePicture,
  );
  const isWide = around.width * around.height >= minSharedArea;
  const region = isWideRedetection && isWide ? wholePicture : around;
  const objectIds = asked.map((record) => record.objectId);
  const priors = await tracker.call('priors', objectIds, region);
  const objects = asked.map((record, i) => {
    const prior = prompted.fresh.has(record.objectId) ? null : (priors[i] ?? null);
    const prompt = prompted.asked.has(record.objectId) ? record.prompt : null;
    // An object whose place is not known may be anywhere.
    const placed =
      (prior !== null && prior.box !== null) || (prompt !== null && prompt.box !== null);
    if (prompt !== null) {
      return {
        record,
        prior,
        prompt,
        region: placed ? region : wholePicture,
        redetectionRegion: null,
      };
    }
    if (!placed)
      return {
        record,
        prior,
        prompt,
        region: regionOfRedetection(record),
        redetectionRegion: null,
      };
    const isKept = redetectionOf(record)?.kind === 'kept';
    return {
      record,
      prior,
      prompt,
      region,
      redetectionRegion: isKept ? null : regionOfRedetection(record),
    };
  });
  return { region, objects };
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
