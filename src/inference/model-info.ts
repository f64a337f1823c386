import type { ModelInfo } from '../frame/model.ts';
import { maxMemoryBytes } from './layouts/object-memory.ts';
import type { Manifest } from './manifest.ts';
import { parsePhrase } from './text/phrase.ts';

/**
 * What the pipeline and clients are told of a model.
 *
 * @param provider where its parts run; see `describePlan`
 * @param selfTestIou of the golden picture
 */
export function modelInfo(manifest: Manifest, provider: string, selfTestIou: number): ModelInfo {
  const { prompts, refiner } = manifest;
  const vocabulary = manifest.text?.vocabulary;
  const boxSlots = prompts.box.route === 'first-two-points' ? 2 : 0;
  return {
    name: manifest.name,
    promptKinds: prompts.kinds,
    vocabulary: vocabulary?.map((entry) => entry.noun) ?? [],
    ...(vocabulary && { checkPhrase: (phrase: string) => void parsePhrase(phrase, vocabulary) }),
    provider,
    selfTest: { passed: true, iou: selfTestIou },
    licence: manifest.licence,
    maskSide: manifest.masks.side,
    memorySlots: manifest.memory.slots,
    objectMemory: manifest.objectMemory && {
      maxBytes: maxMemoryBytes(manifest.objectMemory),
      maskPrompts: manifest.graphs.maskPrompt === undefined ? 'box-and-points' : 'exact',
    },
    maxClicks: prompts.points.slots - boxSlots,
    refiner:
      refiner === null
        ? null
        : {
            cropSide: refiner.cropSide,
            appearanceLength: refiner.appearance[0] * refiner.appearance[1],
            maxConfidence: refiner.maxConfidence,
          },
    tracking: manifest.tracking,
    keyframes: manifest.keyframes,
  };
}
