import type { ModelInfo } from '../../frame/model.ts';
import type { SessionLimits } from '../session-types.ts';

/**
 * Most objects of a stream. Where the model keeps a memory of each, as many as fit by what it may
 * grow to: an object that is taken is never refused its memory later.
 */
export function roomForObjects(
  { objectMemory }: Pick<ModelInfo, 'objectMemory'>,
  { maxObjects, maxObjectMemoryBytes }: Pick<SessionLimits, 'maxObjects' | 'maxObjectMemoryBytes'>,
): number {
  if (!objectMemory) return maxObjects;
  return Math.min(maxObjects, Math.floor(maxObjectMemoryBytes / objectMemory.maxBytes));
}
