import type { Frame } from '../../frame/frame.ts';
import { wholePicture, type Box } from '../../frame/geometry.ts';
import type { ModelInfo } from '../../frame/model.ts';
import type { DecodeRequest, ObjectMemory } from '../../frame/ports.ts';
import type { ObjectRecords } from '../prompts/object-record.ts';
import { promptClarity } from './ambiguity.ts';
import { encodeInto, type KeyframeContext } from './encode.ts';
import type { KeyframeMasks } from './memory.ts';
import { segmentedAs, type Passes } from './pass.ts';
import type { KeyframeObject } from './plan.ts';
import { promptInRegion } from './prompt-geometry.ts';

/**
 * An object of a model that keeps a memory of each (SAM 2 and its kin): one pass over the whole
 * picture. The model's own memory says where the object is, so the propagated mask is no prompt.
 */
export function* recalledPasses(object: KeyframeObject, info: ModelInfo): Passes {
  const { record } = object;
  const isPrompted = object.kind === 'prompted' || object.kind === 'corrected';
  const objectMemory = object.kind === 'prompted' ? null : record.objectMemory;
  if (!isPrompted && objectMemory === null) return null;
  const asked = isPrompted ? object.prompt : { clicks: [], box: null };
  const request = (region: Box): DecodeRequest => ({
    ...promptInRegion(asked, region),
    prior: null,
    memory: [],
    objectMemory,
  });
  const found = yield { region: wholePicture, request };
  if (found === null) return null;
  if (isPrompted) return segmentedAs(record, found, { prompt: promptClarity([found]) });
  const hidden = found.result.presence < info.tracking.minPresence;
  return segmentedAs(record, found, { hidden, redetected: object.kind === 'hidden' });
}

/**
 * What the model remembers of masks that somebody gave, on their frame: a client's prompt, or the
 * last masks of a stream that is resumed. Empty ones say nothing about the object's appearance.
 */
export async function recallGiven(
  context: KeyframeContext,
  frame: Frame,
  {
    given,
    region,
    records,
  }: { readonly given: KeyframeMasks; readonly region: Box; readonly records: ObjectRecords },
): Promise<ReadonlyMap<number, ObjectMemory>> {
  const { segmenter, clock, signal } = context;
  const objects = [...given];
  if (objects.length === 0) return new Map();
  const features = await encodeInto(context, frame, region);
  const requests = objects.map(([objectId, { mask }]) => ({
    clicks: [],
    box: null,
    prior: mask,
    memory: [],
    objectMemory: records.get(objectId)?.objectMemory ?? null,
    isGiven: true,
  }));
  const answers = await clock.time('decode', () => segmenter.decode(features, requests, signal));
  return new Map(
    objects.flatMap(([objectId], i) => {
      const objectMemory = answers[i]?.objectMemory;
      return objectMemory ? [[objectId, objectMemory] as const] : [];
    }),
  );
}
