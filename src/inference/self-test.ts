import { SegmentationError } from '../frame/errors.ts';
import type { DecodeRequest } from '../frame/ports.ts';
import { goldenIou, goldenPicture } from './golden-picture.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { Manifest } from './manifest.ts';
import { selfTestMemory } from './memory-self-test.ts';

/**
 * Segments the generated picture and returns the IoU with its true mask. Throws `model-load-failed`
 * below the manifest's bound.
 */
export async function selfTest(
  model: LoadedModel,
  { selfTest: wanted }: Manifest,
  signal: AbortSignal,
): Promise<number> {
  const { frame, truth, box } = goldenPicture(wanted.seed);
  using picture = frame;
  using features = await model.encode(picture, signal);
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const request: DecodeRequest = {
    clicks: wanted.prompt === 'click' ? [{ ...centre, label: 'positive' }] : [],
    box: wanted.prompt === 'box' ? box : null,
    prior: null,
    memory: [],
  };
  const [found] = await model.decode(features, [request], signal);
  const iou = found === undefined ? 0 : goldenIou(found.logits, model.info.maskSide, truth);
  if (!(iou >= wanted.minIou)) {
    throw new SegmentationError(
      'model-load-failed',
      `self-test of ${model.info.name} on provider ${model.info.provider}: expected an IoU of ` +
        `at least ${wanted.minIou}, got ${iou.toFixed(3)}`,
    );
  }
  if (model.info.objectMemory) await selfTestMemory(model, features, { box, signal });
  return iou;
}
