import { SegmentationError } from '../../frame/errors.ts';
import type { PromptTarget } from '../../frame/prompt.ts';
import type * as wire from '../../gen/maskstream/v1/video_request.ts';
import type { ResumeObject, ResumeSearch, ResumeState } from '../../pipeline/session-types.ts';
import { checkMaskPixels } from '../mask-workers/read-mask.ts';
import type { ServerLimits } from '../server-limits.ts';
import { stateFromWire } from '../wire-enums.ts';
import { checkLabel, checkObjectId, decodeText, type PromptContext } from './prompt-decoder.ts';
import type { ReceivedResume, ReceivedResumeObject } from './received-request.ts';

/** What a resume state is checked against. */
export type ResumeContext = PromptContext & { readonly limits: ServerLimits };

/**
 * Checks a resume state.
 *
 * @throws SegmentationError `invalid-config`, `request-too-large`.
 */
export async function decodeResume(
  { state, objects }: ReceivedResume,
  context: ResumeContext,
): Promise<ResumeState> {
  const { maxObjects, maxRequestMaskPixels } = context.limits;
  if (objects.length > maxObjects) {
    throw invalid(`resume must hold at most ${maxObjects} objects, got ${objects.length}`);
  }
  const masks = objects.flatMap(({ mask, reference }) => [mask, reference?.mask ?? null]);
  checkMaskPixels(masks, maxRequestMaskPixels);
  const removedObjectIds = state.removedObjectIds;
  const seen = new Set<number>();
  for (const objectId of [...objects.map(({ value }) => value.objectId), ...removedObjectIds]) {
    if (seen.has(objectId)) {
      throw invalid(`resume must name an object once, got ${objectId} twice`);
    }
    seen.add(objectId);
  }
  return {
    objects: await Promise.all(objects.map((object) => decodeObject(object, context))),
    removedObjectIds,
    searches: state.searches.map((search) => decodeSearch(search, context)),
    at: decodeTarget(state.at),
  };
}

function decodeSearch(
  { text, label, taken }: wire.ResumeSearch,
  context: ResumeContext,
): ResumeSearch {
  return asConfig(() => {
    if (text === undefined) throw invalid('a search must have a text, got none');
    const query = decodeText(text, text.firstObjectId, context);
    if (taken >= query.maxObjects) {
      throw invalid(`a search must have an open id, got ${taken} of ${query.maxObjects} taken`);
    }
    return { query, label: checkLabel(label), taken };
  });
}

async function decodeObject(
  { value, mask, reference }: ReceivedResumeObject,
  { readMask, limits }: ResumeContext,
): Promise<ResumeObject> {
  const { objectId, state } = value;
  const label = asConfig(() => {
    checkObjectId(objectId);
    if (reference !== null && reference.mask === null) {
      throw invalid(`the reference of object ${objectId} must have a mask, got none`);
    }
    return checkLabel(value.label);
  });
  const read = async (encoded: NonNullable<typeof mask>) => {
    try {
      return await readMask(encoded, limits.maxFramePixels);
    } catch (reason) {
      throw configError(reason);
    }
  };
  return {
    objectId,
    label,
    state: stateFromWire[state] ?? (mask === null ? 'occluded' : 'visible'),
    mask: mask && (await read(mask)),
    reference: reference?.mask
      ? { frameIndex: reference.value.frameIndex, mask: await read(reference.mask) }
      : null,
  };
}

function asConfig<T>(check: () => T): T {
  try {
    return check();
  } catch (reason) {
    throw configError(reason);
  }
}

/** What is wrong with a prompt's part is wrong with the config here. */
function configError(reason: unknown): unknown {
  const { code, message } = SegmentationError.from(reason);
  const isOurs = ['invalid-prompt', 'invalid-config', 'unsupported-prompt'].includes(code);
  if (!isOurs) return reason;
  return new SegmentationError('invalid-config', `resume: ${message}`, { cause: reason });
}

function decodeTarget(at: wire.ResumeState['at']): PromptTarget {
  switch (at?.$case) {
    case 'frameIndex':
      return { kind: 'frame', frameIndex: at.value };
    case 'timestampUs':
      return { kind: 'timestamp', timestampUs: at.value };
    case undefined:
      return { kind: 'next' };
  }
}

function invalid(message: string): SegmentationError {
  return new SegmentationError('invalid-config', message);
}
