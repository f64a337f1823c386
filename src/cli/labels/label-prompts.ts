import { basename, dirname } from 'node:path';
import { usageError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import { sameSize } from '../../frame/geometry.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';
import { plannedPrompt } from '../../calls/planned-prompt.ts';
import { maxCliObjectId } from '../object-id.ts';
import type { Input } from '../segment/inputs.ts';
import type { LabelledObject, LabelledPicture, Labels } from './labelled-picture.ts';

/** What the labels of one input ask for. */
export type InputLabels = {
  readonly prompts: readonly PlannedPrompt[];
  /** Display size that they were drawn on. */
  readonly size: Size;
  /** Of the labelled frames every k-th is a prompt; 1: all of them. */
  readonly every: number;
};

/** Prompts that a server lets wait for their frames (256), less some for others. */
const mostPrompts = 240;

/**
 * The prompts of each input that the labels have objects for. The first labelled frame of an object
 * adds it, later ones replace its mask by theirs.
 *
 * Throws `usage` for a picture that is of none of the inputs, for sizes that differ within one input,
 * and for objects that cannot be told from one frame to the next.
 *
 * @param every take every k-th labelled frame only; null: as many as a server holds
 */
export function labelPrompts(
  { file, pictures }: Labels,
  inputs: readonly Input[],
  every: number | null,
): Map<Input, InputLabels> {
  const frames = new Map<Input, Map<number, LabelledPicture>>();
  for (const picture of pictures) {
    const { input, frameIndex } = placeOf(picture, inputs, file);
    const known = frames.get(input) ?? new Map<number, LabelledPicture>();
    frames.set(input, known.set(frameIndex, picture));
  }
  const found = new Map<Input, InputLabels>();
  for (const [input, byFrame] of frames) {
    const labels = promptsOf(byFrame, `${file}: ${input.name}`, every);
    if (labels !== null) found.set(input, labels);
  }
  return found;
}

/** The largest id that the objects of labels have, or get. */
export function largestLabelId({ pictures }: Labels): number {
  const ids = pictures.map(({ objects }) => objects.map(({ id }) => id ?? 0));
  return Math.max(0, ...ids.map((picture) => Math.max(picture.length, ...picture)));
}

function placeOf(
  { fileName }: LabelledPicture,
  inputs: readonly Input[],
  file: string,
): { readonly input: Input; readonly frameIndex: number } {
  for (const input of inputs) {
    const frameIndex = frameOf(fileName, input, inputs.length > 1);
    if (frameIndex !== null) return { input, frameIndex };
  }
  const numbered = inputs.some(({ kind }) => kind === 'video')
    ? `, or ${inputs.length > 1 ? 'NAME/' : ''}NNNNN.jpg for frame NNNNN of a video`
    : '';
  throw usageError(
    `${file}: expected names of pictures among the inputs${numbered}, got "${fileName}"`,
  );
}

/** Which frame of an input a picture is; null where it is none of it. */
function frameOf(fileName: string, input: Input, several: boolean): number | null {
  const base = basename(fileName);
  if (input.kind === 'image') {
    if (input.source.kind === 'pipe') return several ? null : 0;
    // Of two pictures of one name, the second is called otherwise in what we write.
    const own = basename(input.source.path);
    const isOwn = stem(own) === input.name ? base === own : stem(base) === input.name;
    return isOwn ? 0 : null;
  }
  const folder = basename(dirname(fileName));
  // A picture, or a frame of a video: nobody knows, and its prompts are sent nowhere.
  if (input.kind === 'refused') return [stem(base), folder].includes(input.name) ? 0 : null;
  if (several && folder !== input.name) return null;
  if (input.kind === 'sequence') {
    const at = input.files.findIndex((file) => basename(file) === base);
    return at === -1 ? null : at;
  }
  const digits = /(\d+)$/.exec(stem(base))?.[1];
  return digits === undefined ? null : Number(digits);
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, '');
}

/** Null: there is no object on any frame. */
function promptsOf(
  byFrame: ReadonlyMap<number, LabelledPicture>,
  where: string,
  every: number | null,
): InputLabels | null {
  const labelled = [...byFrame]
    .filter(([, { objects }]) => objects.length > 0)
    .toSorted(([a], [b]) => a - b);
  const [first] = labelled;
  if (first === undefined) return null;
  const { size } = first[1];
  const other = labelled.find(([, picture]) => !sameSize(picture.size, size))?.[1];
  if (other !== undefined) {
    const sizes = `${size.width} x ${size.height} and ${other.size.width} x ${other.size.height}`;
    throw usageError(`${where}: expected pictures of one size, got ${sizes}`);
  }
  const total = labelled.reduce((sum, [, { objects }]) => sum + objects.length, 0);
  const step = every ?? Math.ceil(total / mostPrompts);
  const seen = new Set<number>();
  const prompts: PlannedPrompt[] = [];
  for (const [index, [frameIndex, picture]] of labelled.entries()) {
    for (const { id, label, prompts: shape } of withIds(picture, labelled.length, where)) {
      // An object's first frame is never left out.
      if (seen.has(id) && index % step !== 0) continue;
      const action = seen.has(id) ? 'replace' : 'add';
      seen.add(id);
      prompts.push(plannedPrompt(id, frameIndex, { action, label, prompts: shape }));
    }
  }
  return { prompts, size, every: step };
}

/** The objects of a picture with their ids, each once. */
function withIds(
  { fileName, objects }: LabelledPicture,
  frames: number,
  where: string,
): (LabelledObject & { readonly id: number })[] {
  const taken = new Set(objects.flatMap(({ id }) => (id === null ? [] : [id])));
  const used = new Set<number>();
  let next = 1;
  return objects.map((object) => {
    if (object.id === null && frames > 1) {
      throw usageError(
        `${where}: expected a track_id (labelme: group_id) for each object, as several frames are labelled, got none in ${fileName}`,
      );
    }
    while (object.id === null && taken.has(next)) next++;
    const id = object.id ?? next++;
    if (id < 1 || id > maxCliObjectId) {
      throw usageError(
        `${where}: expected object ids of 1 to ${maxCliObjectId}, got ${id} in ${fileName}`,
      );
    }
    if (used.has(id)) {
      throw usageError(`${where}: expected object ${id} once in ${fileName}, got it again`);
    }
    used.add(id);
    return { ...object, id };
  });
}
