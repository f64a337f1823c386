import type { Frame } from '../frame/frame.ts';
import type { Box, Size } from '../frame/geometry.ts';
import type { Click } from '../frame/prompt.ts';
import { sigmoid } from '../tracking/model-mask.ts';
import { memoryOf, type ObjectRecord } from '../tracking/object-registry.ts';
import type { PriorMask, SegmentedAction } from '../tracking/tracker-types.ts';
import type { FeatureBank } from './feature-bank.ts';
import type { DecodeRequest, Features, Segmented, Segmenter } from './ports.ts';
import type { StageClock } from './stage-clock.ts';

/** How one object is put to the model on a keyframe. */
export type KeyframeObject = {
  readonly record: ObjectRecord;
  /** Its propagated mask; null where it has none or the prompts start anew. */
  readonly prior: PriorMask | null;
  /** Prompts of this very frame, display pixels; null where there are none. */
  readonly prompt: { readonly clicks: readonly Click[]; readonly box: Box | null } | null;
};

/** What the stage needs besides the objects. */
export type KeyframeContext = {
  readonly segmenter: Segmenter;
  readonly bank: FeatureBank;
  readonly clock: StageClock;
  readonly signal: AbortSignal;
};

/** Growth of a propagated mask's box on each side, as a share: the object may reach beyond it. */
const boxMarginRatio = 0.03;

/** A hidden object counts as found again from these scores on. */
const minFoundPresence = 0.5;
const minFoundIou = 0.5;

/** Runs the image encoder on a frame unless its features are held already. The bank owns them. */
export async function encodeInto(context: KeyframeContext, frame: Frame): Promise<Features> {
  const held = context.bank.get(frame.index);
  if (held) return held;
  const features = await context.clock.time('encode', () =>
    context.segmenter.encode(frame, context.signal),
  );
  context.bank.put(features);
  return features;
}

/**
 * Runs the mask decoder on all objects of a keyframe. A tracked object is decoded from its
 * propagated mask, the box around it and its memory; a prompted one from its prompts; a hidden one
 * from memory alone, and it stays hidden unless the model is sure to have found it.
 */
export async function decodeObjects(
  context: KeyframeContext,
  frame: { readonly index: number; readonly display: Size },
  objects: readonly KeyframeObject[],
): Promise<SegmentedAction[]> {
  const features = context.bank.get(frame.index);
  if (objects.length === 0 || !features) return [];
  const { segmenter, clock, signal } = context;
  const first = objects.map((object) => firstRequest(object, frame.display, context));
  const run = (requests: readonly DecodeRequest[]): Promise<Segmented[]> =>
    clock.time('decode', () => segmenter.decode(features, requests, signal));
  const results = await run(first);
  const second = objects.map((object, i) =>
    secondRequest(object, first[i], results[i], segmenter.info.tracking),
  );
  const asked = second.flatMap((request, i) => (request === null ? [] : [{ request, i }]));
  if (asked.length > 0) {
    const again = await run(asked.map(({ request }) => request));
    asked.forEach(({ i }, k) => {
      const before = results[i];
      const after = again[k];
      const object = objects[i];
      if (before && after && object) results[i] = object.prompt ? after : averaged(before, after);
    });
  }
  return objects.flatMap((object, i) => {
    const result = results[i];
    return result ? [actionFor(object, result, segmenter)] : [];
  });
}

function firstRequest(
  object: KeyframeObject,
  display: Size,
  context: KeyframeContext,
): DecodeRequest {
  const { record, prior, prompt } = object;
  const anew = prompt !== null && prior === null;
  return {
    clicks: (prompt?.clicks ?? []).map((click) => ({
      ...click,
      x: (Math.floor(click.x) + 0.5) / display.width,
      y: (Math.floor(click.y) + 0.5) / display.height,
    })),
    box: prompt?.box ? fractionBox(prompt.box, display) : grownBox(prior?.box ?? null),
    prior: prior?.box ? prior.mask : null,
    memory: anew ? [] : memoryRequests(record, context),
  };
}

/**
 * The second look, where the model gains from one: a fresh prompt with its own first mask as prior
 * (+1 J for a box), or a tracked object by memory alone (averaged: +1.2 J).
 */
function secondRequest(
  object: KeyframeObject,
  request: DecodeRequest | undefined,
  result: Segmented | undefined,
  tracking: Segmenter['info']['tracking'],
): DecodeRequest | null {
  if (!request || !result) return null;
  if (object.prompt !== null) {
    if (object.prior !== null || !tracking.decodePromptTwice) return null;
    return { ...request, prior: Float32Array.from(result.logits, sigmoid) };
  }
  if (request.prior === null || request.memory.length === 0) return null;
  if (!tracking.averageMemoryPass) return null;
  return { clicks: [], box: null, prior: null, memory: request.memory };
}

function averaged(a: Segmented, b: Segmented): Segmented {
  const logits = new Float32Array(a.logits.length);
  for (let i = 0; i < logits.length; i++) {
    logits[i] = ((a.logits[i] ?? 0) + (b.logits[i] ?? 0)) / 2;
  }
  return {
    logits,
    predictedIou: Math.max(a.predictedIou, b.predictedIou),
    presence: Math.max(a.presence, b.presence),
  };
}

function actionFor(
  object: KeyframeObject,
  result: Segmented,
  segmenter: Segmenter,
): SegmentedAction {
  const sought = object.prompt === null && !object.prior?.box;
  const hidden = sought
    ? result.presence < minFoundPresence || result.predictedIou < minFoundIou
    : object.prompt === null && result.presence < segmenter.info.tracking.minPresence;
  return { kind: 'segmented', objectId: object.record.objectId, ...result, hidden };
}

function memoryRequests(
  record: ObjectRecord,
  context: KeyframeContext,
): { features: Features; mask: Float32Array }[] {
  return memoryOf(record)
    .slice(0, context.segmenter.info.memorySlots)
    .flatMap(({ frameIndex, mask }) => {
      const features = context.bank.get(frameIndex);
      return features ? [{ features, mask }] : [];
    });
}

function fractionBox(box: Box, display: Size): Box {
  return {
    x: box.x / display.width,
    y: box.y / display.height,
    width: box.width / display.width,
    height: box.height / display.height,
  };
}

function grownBox(box: Box | null): Box | null {
  if (box === null) return null;
  const x = Math.max(0, box.x - box.width * boxMarginRatio);
  const y = Math.max(0, box.y - box.height * boxMarginRatio);
  const right = Math.min(1, box.x + box.width * (1 + boxMarginRatio));
  const bottom = Math.min(1, box.y + box.height * (1 + boxMarginRatio));
  return { x, y, width: right - x, height: bottom - y };
}
