import { usageError } from '../frame/errors.ts';
import type { Box } from '../frame/geometry.ts';
import type { Click } from '../frame/prompt.ts';
import type { Arguments, Option } from './command.ts';
import { readObjectMasks } from './object-masks.ts';
import type { PlannedPrompt } from '../calls/planned-prompt.ts';
import { plannedPrompt } from '../calls/planned-prompt.ts';
import { maxCliObjectId, parseObjectId } from './object-id.ts';
import { largestLabelId } from './labels/label-prompts.ts';
import type { Labels } from './labels/labelled-picture.ts';
import { readPromptFile } from './labels/read-labels.ts';
import { planPrompts } from './prompts-file.ts';

/** Options that say what to follow. */
export const promptOptions = {
  mask: {
    kind: 'text',
    once: true,
    placeholder: 'FILE',
    help: 'Palette or grey PNG of the display size; value = object id. Several objects at once.',
  },
  box: {
    kind: 'list',
    placeholder: '[ID:]x,y,w,h',
    help: 'Box around an object in display pixels. The k-th box without an id is object k.',
  },
  point: {
    kind: 'list',
    placeholder: '[ID:]x,y[,0|1]',
    help: 'Click on (1, the default) or off (0) an object. Without an id: object 1.',
  },
  text: {
    kind: 'text',
    once: true,
    placeholder: 'PHRASE',
    help: 'Finds objects by a phrase, where the model understands text. They take the ids after all others.',
  },
  'max-objects': {
    kind: 'text',
    placeholder: 'N',
    help: 'Most objects that --text follows. Default: 8.',
  },
  threshold: {
    kind: 'text',
    placeholder: 'T',
    help: 'Least certainty that a thing is what --text says, 0 to 1. Default: the model’s for the noun, 0.65 for most.',
  },
  prompts: {
    kind: 'text',
    once: true,
    placeholder: 'FILE',
    help: 'JSON with prompts for any number of frames (docs/cli.md has its schema), a COCO, YouTube-VIS or labelme file, or a folder of labelme files.',
  },
  'label-every': {
    kind: 'text',
    placeholder: 'N',
    help: 'Of the frames that a label file labels, only every N-th is a prompt. Default: as many as a server takes.',
  },
  at: {
    kind: 'text',
    placeholder: 'FRAME',
    help: 'Frame that the prompts above (not --prompts) belong to. Default: 0.',
  },
} as const satisfies Record<string, Option>;

const defaultMaxTextObjects = 8;

/** What a command line asks to be followed. */
export type GivenPrompts = {
  /** Those of every input, in the order in which they are sent. */
  readonly prompts: readonly PlannedPrompt[];
  /** What belongs to pictures by their names; null where no label file is given. */
  readonly labels: Labels | null;
  /** `--label-every`; null where it is not given. */
  readonly labelEvery: number | null;
};

/**
 * All prompts of a command line.
 *
 * Throws `usage` for malformed or missing prompts, `unreadable-file` for a file that is no such.
 */
export async function readPrompts(args: Arguments): Promise<GivenPrompts> {
  const frameIndex = parseCount(args.texts.get('at') ?? '0', '--at', 0);
  const objects = new Map<number, Partial<PlannedPrompt['prompts']>>();
  const merge = (id: number, more: Partial<PlannedPrompt['prompts']>) =>
    objects.set(id, { ...objects.get(id), ...more });
  const maskFile = args.texts.get('mask');
  if (maskFile !== undefined) {
    for (const [id, mask] of await readObjectMasks(maskFile)) merge(id, { mask });
  }
  for (const [id, box] of parseBoxes(args.lists.get('box') ?? [])) merge(id, { box });
  for (const text of args.lists.get('point') ?? []) {
    const [id, click] = parsePoint(text);
    merge(id, { points: [...(objects.get(id)?.points ?? []), click] });
  }
  const file = args.texts.get('prompts');
  const given = file === undefined ? null : await readPromptFile(file);
  const planned =
    given?.kind === 'json' ? await planPrompts(given.content, file ?? '', objects.keys()) : [];
  const labels = given?.kind === 'labels' ? given.labels : null;
  const every = readLabelEvery(args, labels);
  const prompts = [
    ...[...objects].map(([id, fields]) => plannedPrompt(id, frameIndex, { prompts: fields })),
    ...planned,
  ];
  const phrase = args.texts.get('text');
  for (const option of ['max-objects', 'threshold']) {
    if (phrase === undefined && args.texts.has(option)) {
      throw usageError(`--${option}: expected --text as well, got none`);
    }
  }
  if (phrase !== undefined) {
    const ids = prompts.map(({ objectId }) => objectId);
    if (labels !== null) ids.push(largestLabelId(labels));
    prompts.push(textPrompt(phrase, frameIndex, args, Math.max(0, ...ids)));
  }
  if (prompts.length === 0 && labels === null) {
    throw usageError(
      'expected a prompt (--mask, --box, --point, --text or --prompts), got none: what shall be followed?',
    );
  }
  return { prompts, labels, labelEvery: every };
}

function readLabelEvery(args: Arguments, labels: Labels | null): number | null {
  const text = args.texts.get('label-every');
  if (text === undefined) return null;
  if (labels !== null) return parseCount(text, '--label-every', 1);
  throw usageError('--label-every: expected a label file in --prompts as well, got none');
}

/** A whole number of at least `least`. Throws `usage` naming `where`. */
export function parseCount(text: string, where: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw usageError(`${where}: expected a whole number of at least ${least}, got "${text}"`);
  }
  return value;
}

function parseBoxes(texts: readonly string[]): Map<number, Box> {
  const boxes = new Map<number, Box>();
  let bare = 0;
  for (const text of texts) {
    const form = `--box: expected [ID:]x,y,w,h, got "${text}"`;
    const { id, numbers } = splitPrompt(text, '--box', form);
    const [x, y, width, height, ...rest] = numbers;
    if (height === undefined || rest.length > 0) throw usageError(form);
    if (x === undefined || y === undefined || width === undefined) throw usageError(form);
    if (width <= 0 || height <= 0) {
      throw usageError(`--box: expected a width and height above 0, got "${text}"`);
    }
    const objectId = id ?? ++bare;
    if (boxes.has(objectId)) {
      throw usageError(`--box: expected one box for object ${objectId}, got another: "${text}"`);
    }
    boxes.set(objectId, { x, y, width, height });
  }
  return boxes;
}

function parsePoint(text: string): [id: number, click: Click] {
  const form = `--point: expected [ID:]x,y[,0|1], got "${text}"`;
  const { id, numbers } = splitPrompt(text, '--point', form);
  const [x, y, label = 1, ...rest] = numbers;
  if (x === undefined || y === undefined || rest.length > 0) throw usageError(form);
  if (label !== 0 && label !== 1) throw usageError(form);
  return [id ?? 1, { x, y, label: label === 1 ? 'positive' : 'negative' }];
}

function splitPrompt(text: string, where: string, form: string) {
  const [, idText, body = ''] = /^(?:([^:]*):)?(.*)$/s.exec(text) ?? [];
  const parts = body.split(',').map((part) => part.trim());
  // Number('') is 0, which would turn a stray comma into a coordinate.
  const numbers = parts.map((part) => (part === '' ? Number.NaN : Number(part)));
  if (!numbers.every(Number.isFinite)) throw usageError(form);
  return { id: idText === undefined ? null : parseObjectId(idText, where), numbers };
}

function textPrompt(
  phrase: string,
  frameIndex: number,
  args: Arguments,
  largestId: number,
): PlannedPrompt {
  const maxObjects =
    args.texts.get('max-objects') === undefined
      ? defaultMaxTextObjects
      : parseCount(args.texts.get('max-objects') ?? '', '--max-objects', 1);
  const firstObjectId = largestId + 1;
  if (firstObjectId + maxObjects - 1 > maxCliObjectId) {
    throw usageError(
      `--text: expected ids up to ${maxCliObjectId}, got ${maxObjects} more from ${firstObjectId} on`,
    );
  }
  const threshold = args.texts.get('threshold');
  const least = threshold === undefined ? {} : { minScore: parseThreshold(threshold) };
  const text = { phrase, firstObjectId, maxObjects, ...least };
  return plannedPrompt(firstObjectId, frameIndex, { text });
}

function parseThreshold(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) {
    throw usageError(`--threshold: expected a number from 0 to 1, got "${text}"`);
  }
  return value;
}
