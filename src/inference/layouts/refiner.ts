import { floatTensor } from '../engine/onnxruntime.ts';
import { calibrate } from './candidate.ts';
import { floats, freeTensors } from '../engine/float-tensors.ts';
import type { Graphs } from './layout.ts';
import type { Manifest } from '../manifest.ts';
import type { Refined, RefineRequest } from '../../frame/ports.ts';

/** Runs the refiner on all objects of a frame at once, one result per item, in order. */
export async function refineObjects(
  items: readonly RefineRequest[],
  graphs: Graphs,
  manifest: Manifest,
): Promise<Refined[]> {
  const { refiner: graph } = graphs;
  const { refiner: settings } = manifest;
  if (graph === undefined || settings === null) throw new Error('the model has no refiner');
  const count = items.length;
  const side = settings.cropSide;
  const [rows, columns] = settings.appearance;
  const plane = side * side;
  const length = rows * columns;
  const crop = new Float32Array(count * 3 * plane);
  const prior = new Float32Array(count * plane);
  const appearance = new Float32Array(count * length);
  items.forEach((item, i) => {
    crop.set(item.crop, i * 3 * plane);
    prior.set(item.prior, i * plane);
    // Zeros where only the appearance is asked for: the logits of that run mean nothing.
    if (item.appearance !== null) appearance.set(item.appearance, i * length);
  });
  const inputs = {
    crop: floatTensor(crop, [count, 3, side, side]),
    prior: floatTensor(prior, [count, 1, side, side]),
    appearance: floatTensor(appearance, [count, rows, columns]),
  };
  const outputs = await graph.run(inputs);
  freeTensors(inputs);
  const logits = floats(outputs['logits']!);
  const scores = floats(outputs['iou']!);
  const appearances = floats(outputs['appearance']!);
  const refined = items.map(({ answer, appearance: known }, i) => ({
    logits: into(answer, logits.subarray(i * plane, (i + 1) * plane)),
    predictedIou: calibrate(scores[i]!, settings.calibration),
    appearance: known === null ? appearances.slice(i * length, (i + 1) * length) : null,
  }));
  freeTensors(outputs);
  return refined;
}

function into(memory: Float32Array | undefined, values: Float32Array): Float32Array {
  if (memory === undefined) return values.slice();
  memory.set(values);
  return memory;
}
