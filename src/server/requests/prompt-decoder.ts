import { SegmentationError } from '../../frame/errors.ts';
import type { Box, Point } from '../../frame/geometry.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { Click, PromptKind, Prompts, PromptTarget } from '../../frame/prompt.ts';
import type { PromptUpdate, TextQuery } from '../../frame/prompt.ts';
import type { RunLengthMask } from '../../frame/coco-rle.ts';
import type * as common from '../../gen/maskstream/v1/common.ts';
import type * as wire from '../../gen/maskstream/v1/video_request.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { Masked } from './received-request.ts';
import { actionFromWire, labelFromWire } from '../wire-enums.ts';

/** Largest object id. */
const maxObjectId = 65_535;

// Labels are echoed with every frame, so a long one would be sent over and over.
const maxLabelLength = 256;

/** What a prompt is checked against. */
export type PromptContext = {
  readonly model: Pick<ModelInfo, 'name' | 'promptKinds' | 'checkPhrase'>;
  readonly limits: Pick<ServerLimits, 'maxPoints' | 'maxObjects' | 'maxFramePixels'>;
  /** Reads a mask of at most so many pixels. */
  readonly readMask: ReadMask;
};

/** Reads a client's mask of at most `maxPixels`, elsewhere than on the main thread. */
export type ReadMask = (
  mask: NonNullable<Masked<unknown>['mask']>,
  maxPixels: number,
) => Promise<RunLengthMask>;

/** Prompts as they stand in a PromptUpdate and in an ImagePrompt. */
type WirePrompts = Pick<wire.PromptUpdate, 'points' | 'box'>;

/**
 * Checks one update as far as that is possible without the display size; what needs it is checked
 * where the size is known, by `fitPromptsToPicture`.
 *
 * @throws SegmentationError `invalid-prompt`, `unsupported-prompt`, `unknown-word`.
 */
export async function decodePromptUpdate(
  { value: update, mask }: Masked<wire.PromptUpdate>,
  context: PromptContext,
): Promise<PromptUpdate> {
  const action = actionFromWire[update.action];
  if (action === undefined) {
    throw invalid(`action must be ADD, REFINE, REPLACE or REMOVE, got ${update.action}`);
  }
  const text = update.text === undefined ? null : decodeText(update.text, update.objectId, context);
  if (text !== null && action !== 'add') throw invalid(`text must come with ADD, got ${action}`);
  const objectId = checkObjectId(text?.firstObjectId ?? update.objectId);
  const label = checkLabel(update.label);
  const at = decodeTarget(update.at);
  const given = { value: update, mask };
  checkContent({ action, text, ...given });
  // Last: what is refused for anything else costs no worker.
  const prompts = await decodePrompts(given, context);
  return { requestId: update.requestId, objectId, action, at, prompts, text, label };
}

/** Clicks, box and mask; empty ones are allowed here. */
export async function decodePrompts(
  { value: { points, box }, mask }: Masked<WirePrompts>,
  { model, limits, readMask }: PromptContext,
): Promise<Prompts> {
  if (points.length > 0) checkKind(model, 'points');
  if (box !== undefined) checkKind(model, 'box');
  if (mask !== null) checkKind(model, 'mask');
  if (points.length > limits.maxPoints) {
    throw invalid(`at most ${limits.maxPoints} points, got ${points.length}`);
  }
  const clicks = points.map(decodeClick);
  const decodedBox = box === undefined ? null : decodeBox(box);
  const pixels = mask === null ? null : await readMask(mask, limits.maxFramePixels);
  return { points: clicks, box: decodedBox, mask: pixels };
}

/** A phrase; its ids default to `objectId` and one instance. */
export function decodeText(
  text: wire.TextPrompt,
  objectId: number,
  { model, limits }: PromptContext,
): TextQuery {
  checkKind(model, 'text');
  const phrase = text.phrase.trim();
  if (phrase === '') throw invalid('text must hold a phrase, got an empty one');
  if (phrase.length > maxLabelLength) {
    throw invalid(`phrase must be at most ${maxLabelLength} characters, got ${phrase.length}`);
  }
  // Now, and not when its frame comes: that may be long, or never.
  model.checkPhrase?.(phrase);
  const firstObjectId = checkObjectId(text.firstObjectId === 0 ? objectId : text.firstObjectId);
  const maxObjects = text.maxObjects === 0 ? 1 : text.maxObjects;
  if (maxObjects > limits.maxObjects) {
    throw invalid(`max_objects must be at most ${limits.maxObjects}, got ${maxObjects}`);
  }
  checkObjectId(firstObjectId + maxObjects - 1);
  const { minScore } = text;
  if (minScore !== undefined && !(minScore >= 0 && minScore <= 1)) {
    throw invalid(`min_score must be 0..1, got ${minScore}`);
  }
  return {
    phrase,
    firstObjectId,
    maxObjects,
    ...(minScore === undefined ? {} : { minScore }),
    ...(text.thisFrameOnly ? { thisFrameOnly: true } : {}),
  };
}

/** Refuses an update that says nothing, or more than can be meant. */
export function checkContent(
  update: Pick<PromptUpdate, 'action' | 'text'> & Masked<WirePrompts>,
): void {
  const { points, box } = update.value;
  const hasPrompts = points.length > 0 || box !== undefined || update.mask !== null;
  if (update.text !== null && hasPrompts) {
    throw invalid('text must stand alone, got it with points, box or mask');
  }
  if (update.action === 'remove') {
    if (hasPrompts) throw invalid('REMOVE takes no prompts, got some');
  } else if (!hasPrompts && update.text === null) {
    throw invalid(`${update.action} must hold points, a box, a mask or text, got none of them`);
  }
}

/** @throws SegmentationError `invalid-prompt` outside 1..65535. */
export function checkObjectId(objectId: number): number {
  if (objectId >= 1 && objectId <= maxObjectId) return objectId;
  throw invalid(`object_id must be 1..${maxObjectId}, got ${objectId}`);
}

/** @throws SegmentationError `invalid-prompt` for a label that is too long. */
export function checkLabel(label: string | undefined): string | null {
  if (label === undefined) return null;
  if (label.length <= maxLabelLength) return label;
  throw invalid(`label must be at most ${maxLabelLength} characters, got ${label.length}`);
}

function decodeTarget(at: wire.PromptUpdate['at']): PromptTarget {
  if (at === undefined) return { kind: 'next' };
  if (at.$case === 'frameIndex') return { kind: 'frame', frameIndex: at.value };
  return { kind: 'timestamp', timestampUs: at.value };
}

function decodeClick({ point, label }: common.LabeledPoint): Click {
  const meaning = labelFromWire[label];
  if (meaning === undefined) {
    throw invalid(`point label must be POSITIVE or NEGATIVE, got ${label}`);
  }
  if (point === undefined) throw invalid('point must hold a position, got none');
  const { x, y } = checkPosition(point);
  return { x, y, label: meaning };
}

function checkPosition({ x, y }: Point): Point {
  // NaN fails every comparison; the upper bound needs the display size.
  if (x >= 0 && y >= 0 && x < Infinity && y < Infinity) return { x, y };
  throw invalid(`point must be finite and not negative, got (${x}, ${y})`);
}

function decodeBox({ x, y, width, height }: Box): Box {
  if (![x, y, width, height].every(Number.isFinite)) {
    throw invalid(`box must be finite, got ${width} x ${height} at (${x}, ${y})`);
  }
  if (width > 0 && height > 0) return { x, y, width, height };
  throw invalid(`box must have an area, got ${width} x ${height} at (${x}, ${y})`);
}

function checkKind(model: PromptContext['model'], kind: PromptKind): void {
  if (model.promptKinds.includes(kind)) return;
  throw new SegmentationError(
    'unsupported-prompt',
    `model ${model.name} takes ${model.promptKinds.join(', ')}, got ${kind}`,
  );
}

function invalid(message: string): SegmentationError {
  return new SegmentationError('invalid-prompt', message);
}
