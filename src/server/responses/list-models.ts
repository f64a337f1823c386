import type { ModelInfo } from '../../frame/model.ts';
import type { ListModelsResponse } from '../../gen/maskstream/v1/model.ts';
import type { ServerLimits } from '../server-limits.ts';
import { encodeLimits } from './limit-info.ts';
import { promptKindToWire } from '../wire-enums.ts';

/** The answer of ListModels. */
export function encodeModels(
  models: readonly ModelInfo[],
  limits: ServerLimits,
): ListModelsResponse {
  return {
    limits: encodeLimits(limits),
    models: models.map((model) => ({
      name: model.name,
      promptKinds: model.promptKinds.map((kind) => promptKindToWire[kind]),
      vocabulary: [...model.vocabulary],
      provider: model.provider,
      selfTest: model.selfTest,
      licence: model.licence,
    })),
  };
}
