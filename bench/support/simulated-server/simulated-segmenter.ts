import type { Segmenter } from '../../../src/frame/ports.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

/**
 * A real model whose runs take their time on a simulated worker. Phrases take none.
 *
 * @param objects of a stream, whose costs are those of all together
 */
export function simulatedSegmenter(
  real: Segmenter,
  machine: SimulatedMachine,
  objects: number,
): Segmenter {
  const { costs, replica } = machine;
  const { keyframeMs, encoderShare, refineMs } = costs;
  const decodeMs = (keyframeMs * (1 - encoderShare)) / objects;
  return {
    info: real.info,
    encode: (frame, signal, view) =>
      machine.call(replica.model, keyframeMs * encoderShare, () =>
        real.encode(frame, signal, view),
      ),
    // It ends a keyframe: the worker takes it before an encoder run, which begins one.
    decode: (features, requests, signal) =>
      machine.call(
        replica.model,
        decodeMs * requests.length,
        () => real.decode(features, requests, signal),
        true,
      ),
    refine: (requests, signal) =>
      machine.call(replica.refiner, (refineMs / objects) * requests.length, () =>
        real.refine(requests, signal),
      ),
    findText: (features, query, signal) => real.findText(features, query, signal),
  };
}
