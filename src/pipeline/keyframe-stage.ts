import type { Frame } from '../frame/frame.ts';
import { scaleBox, wholePicture, type Box, type Size } from '../frame/geometry.ts';
import type { Click } from '../frame/prompt.ts';
import { keepAttachedParts } from '../tracking/attached-parts.ts';
import { modelMaskFromSoft, softMaskBounds, softMaskFromLogits } from '../tracking/model-mask.ts';
import { memoryOf, type ObjectRecord } from '../tracking/object-registry.ts';
import type { PriorMask, SegmentedAction } from '../tracking/tracker-types.ts';
import { cellUnder, isInside } from './click-cells.ts';
import type { EarlyFeatures } from './early-features.ts';
import type { FeatureBank } from './feature-bank.ts';
import { boxInRegion, sharedRegion } from './keyframe-regions.ts';
import type { DecodeRequest, Features, Segmenter } from './ports.ts';
import { probabilitiesOf } from './probabilities.ts';
import { promptClarity, type Seen } from './prompt-clarity.ts';
import type { StageClock } from './stage-clock.ts';

/** How one object is put to the model on a keyframe. */
export type KeyframeObject = {
  readonly record: ObjectRecord;
  /** The part of the picture to look at, in fractions of it. */
  readonly region: Box;
  /** Its propagated mask in the region; null where it has none or the prompts start anew. */
  readonly prior: PriorMask | null;
  /** Prompts of this very frame, display pixels; null where there are none. */
  readonly prompt: { readonly clicks: readonly Click[]; readonly box: Box | null } | null;
  /** Where to look for it by memory if its mask leads to nothing; null: nowhere. */
  readonly elsewhere: Box | null;
};

/** What the stage needs besides the objects. */
export type KeyframeContext = {
  readonly segmenter: Segmenter;
  readonly bank: FeatureBank;
  /** Encoder runs that were begun before the frame's turn. */
  readonly early: EarlyFeatures;
  readonly clock: StageClock;
  readonly signal: AbortSignal;
  /** Called for each encoder run. */
  readonly onEncode: () => void;
};

/** One object with what is asked of the decoder. */
type Look = { readonly region: Box; readonly request: DecodeRequest };

/** A hidden object counts as found again from these scores on. */
const minFoundPresence = 0.5;
const minFoundIou = 0.5;

/** Expected IoU under which an object is looked for elsewhere too. */
const poorIou = 0.4;

/** Expected IoU by which a place must be better than that of the mask. */
const clearGain = 0.05;

/** Runs the image encoder on a region unless its features are held already. The bank owns them. */
export async function encodeInto(
  context: KeyframeContext,
  frame: Frame,
  region: Box,
): Promise<Features> {
  const { bank, clock, segmenter, signal } = context;
  const held = bank.get({ frameIndex: frame.index, region });
  if (held) return held;
  const early = region === wholePicture ? context.early.take(frame.index) : undefined;
  if (early === undefined) context.onEncode();
  const features = await clock.time(
    'encode',
    () => early ?? segmenter.encode(frame, signal, region),
  );
  bank.put(features);
  return features;
}

/**
 * Runs the model on all objects of a keyframe. A tracked object is decoded from its propagated mask
 * and its memory; a prompted one from its prompts; a hidden one from memory alone, and it stays
 * hidden unless the model is sure to have found it.
 */
export async function segmentObjects(
  context: KeyframeContext,
  frame: Frame,
  objects: readonly KeyframeObject[],
): Promise<SegmentedAction[]> {
  const { maskSide } = context.segmenter.info;
  const look = async (looks: readonly (Look | null)[]) =>
    (await decodeLooks(context, frame, looks)).map(
      (seen, i) => seen && seenOwn(objects[i]!, looks[i]!.request, seen, maskSide),
    );
  const first = objects.map((object) => firstLook(object, frame.display, context));
  const seen = await look(first);
  const second = objects.map((object, i) =>
    secondLook(object, { first: first[i], seen: seen[i] }, context, frame),
  );
  const again = await look(second);
  const third = objects.map((object, i) =>
    isPoor(again[i] ?? seen[i]) ? lookElsewhere(object, context) : null,
  );
  const afar = await decodeLooks(context, frame, third);
  return objects.flatMap((object, i) => {
    const before = seen[i];
    const after = again[i];
    if (!before) return [];
    const near = !after ? before : object.prompt ? after : averaged(before, after);
    const far = afar[i];
    const prompt = object.prompt && promptClarity(before, after ?? null, frame);
    const final = far && isBetter(far, near) ? far : near;
    return [{ ...actionFor(object, final, context.segmenter), prompt }];
  });
}

/**
 * What was seen, and of an object that clicks alone name anew only what belongs to them: a box may
 * mean parts anywhere. Parts of a tracked object stay, however far apart an occluder leaves them:
 * cutting them gained nothing.
 */
function seenOwn(
  { prompt, prior }: KeyframeObject,
  { clicks, box }: DecodeRequest,
  seen: Seen,
  maskSide: number,
): Seen {
  if (prompt === null || prior !== null || box !== null) return seen;
  const positive = clicks.filter((click) => click.label === 'positive' && isInside(click));
  const anchors = new Set(positive.map((click) => cellUnder(click, maskSide)));
  const logits = keepAttachedParts(seen.result.logits, anchors, maskSide);
  return { ...seen, result: { ...seen.result, logits } };
}

/** Decodes, region by region; null where nothing is asked. */
async function decodeLooks(
  context: KeyframeContext,
  frame: Frame,
  looks: readonly (Look | null)[],
): Promise<(Seen | null)[]> {
  const { segmenter, clock, signal } = context;
  const seen = looks.map((): Seen | null => null);
  const regions = new Set(looks.flatMap((look) => (look === null ? [] : [look.region])));
  for (const region of regions) {
    const asked = looks.flatMap((look, i) => (look?.region === region ? [{ look, i }] : []));
    const features = await encodeInto(context, frame, region);
    const requests = asked.map(({ look }) => look.request);
    const results = await clock.time('decode', () => segmenter.decode(features, requests, signal));
    asked.forEach(({ i }, k) => {
      const result = results[k];
      if (result) seen[i] = { region, result };
    });
  }
  return seen;
}

function firstLook(object: KeyframeObject, display: Size, context: KeyframeContext): Look {
  const { record, prior, prompt, region } = object;
  const anew = prompt !== null && prior === null;
  const request: DecodeRequest = {
    clicks: (prompt?.clicks ?? []).map((click) => ({
      ...click,
      x: ((Math.floor(click.x) + 0.5) / display.width - region.x) / region.width,
      y: ((Math.floor(click.y) + 0.5) / display.height - region.y) / region.height,
    })),
    box: prompt?.box
      ? boxInRegion(scaleBox(prompt.box, display, { width: 1, height: 1 }), region)
      : null,
    prior: prior?.box ? prior.mask : null,
    memory: anew ? [] : memoryRequests(record, context),
  };
  return { region, request };
}

/**
 * The second look, where the model gains from one: a fresh prompt with its own first mask as prior,
 * now close up; a correction that was not followed; or a tracked object by memory alone.
 */
function secondLook(
  object: KeyframeObject,
  { first, seen }: { first: Look | undefined; seen: Seen | null | undefined },
  context: KeyframeContext,
  frame: Frame,
): Look | null {
  const { maskSide, tracking } = context.segmenter.info;
  if (!first || !seen) return null;
  const { region, request } = first;
  if (object.prompt !== null) {
    if (object.prior !== null) return withoutMemory(request, seen, maskSide);
    return tracking.decodePromptTwice ? closeUp(object, seen, context, frame) : null;
  }
  if (request.prior === null || request.memory.length === 0) return null;
  if (!tracking.averageMemoryPass) return null;
  return { region, request: { clicks: [], box: null, prior: null, memory: request.memory } };
}

/**
 * A correction again without memory, where the answer contradicts its clicks: what the object looked
 * like before, right or wrong, must not outvote what somebody says now.
 */
function withoutMemory(request: DecodeRequest, seen: Seen, maskSide: number): Look | null {
  if (request.memory.length === 0) return null;
  const contradicted = request.clicks.filter(isInside).some((click) => {
    const isObject = seen.result.logits[cellUnder(click, maskSide)]! > 0;
    return isObject !== (click.label === 'positive');
  });
  return contradicted ? { region: seen.region, request: { ...request, memory: [] } } : null;
}

/** Whether what was found is probably not the object. */
function isPoor(seen: Seen | null | undefined): boolean {
  return !seen || seen.result.presence * seen.result.predictedIou < poorIou;
}

/** An object whose mask led to nothing, by memory alone. */
function lookElsewhere(object: KeyframeObject, context: KeyframeContext): Look | null {
  const memory = memoryRequests(object.record, context);
  if (object.elsewhere === null || memory.length === 0) return null;
  return { region: object.elsewhere, request: { clicks: [], box: null, prior: null, memory } };
}

/** Whether the object was found elsewhere, and more surely than where its mask was. */
function isBetter({ result: far }: Seen, { result: near }: Seen): boolean {
  if (far.presence < minFoundPresence || far.predictedIou < minFoundIou) return false;
  return far.presence * far.predictedIou > near.presence * near.predictedIou + clearGain;
}

/** A fresh prompt again, with the first mask as prior, in the region around that mask. */
function closeUp(
  object: KeyframeObject,
  seen: Seen,
  context: KeyframeContext,
  frame: Frame,
): Look | null {
  const { maskSide, tracking } = context.segmenter.info;
  const { logits } = seen.result;
  const soft = softMaskFromLogits(logits, maskSide, frame.analysis, seen.region);
  const bounds = softMaskBounds(soft);
  if (bounds === null) return null;
  const box = scaleBox(bounds, frame.analysis, { width: 1, height: 1 });
  // A box prompt has been looked at closely already.
  const region = object.prompt?.box ? seen.region : sharedRegion([box], tracking.regionScale);
  const { request } = firstLook({ ...object, region }, frame.display, context);
  const prior =
    region === seen.region ? probabilitiesOf(logits) : modelMaskFromSoft(soft, maskSide, region);
  return { region, request: { ...request, clicks: request.clicks.filter(isInside), prior } };
}

function averaged(before: Seen, after: Seen): Seen {
  const a = before.result;
  const b = after.result;
  const logits = a.logits.map((logit, i) => (logit + (b.logits[i] ?? 0)) / 2);
  return {
    region: before.region,
    result: {
      logits,
      predictedIou: Math.max(a.predictedIou, b.predictedIou),
      presence: Math.max(a.presence, b.presence),
      stability: Math.max(a.stability, b.stability),
      consensus: Math.max(a.consensus, b.consensus),
    },
  };
}

function actionFor(
  object: KeyframeObject,
  { region, result }: Seen,
  segmenter: Segmenter,
): Omit<SegmentedAction, 'prompt'> {
  const sought = object.prompt === null && !object.prior?.box;
  const hidden = sought
    ? result.presence < minFoundPresence || result.predictedIou < minFoundIou
    : object.prompt === null && result.presence < segmenter.info.tracking.minPresence;
  const { objectId } = object.record;
  const { logits, predictedIou, presence } = result;
  return { kind: 'segmented', objectId, logits, predictedIou, presence, hidden, region };
}

function memoryRequests(
  record: ObjectRecord,
  context: KeyframeContext,
): { features: Features; mask: Float32Array }[] {
  return memoryOf(record)
    .slice(0, context.segmenter.info.memorySlots)
    .flatMap((entry) => {
      const features = context.bank.get(entry);
      return features ? [{ features, mask: entry.mask }] : [];
    });
}
