import { floats, freeTensors } from '../engine/float-tensors.ts';
import { floatTensor, type Tensor } from '../engine/onnxruntime.ts';
import type { Candidates } from './candidate.ts';
import type { GraphPort as Graph } from '../engine/graph-port.ts';
import type { Graphs, Layout, LayoutFeatures, LayoutItem } from './layout.ts';
import type { Manifest } from '../manifest.ts';
import { encodePicture } from './image-tensor.ts';

/** Meanings of the encoder's outputs: at 1/16 of the input, at 1/8 and at 1/4. */
const featureMaps = ['embedding', 'features8', 'features4'];

/**
 * The layout of the embedded model: one stretched picture in, three feature maps out; a decoder
 * with its prompt encoder in the same graph: it takes padded points, the box in the first two of
 * them, a prior mask, and earlier frames' features with their masks as memory.
 */
export const maskstreamLayout: Layout = {
  meanings: {
    encoder: { inputs: ['image'], outputs: featureMaps },
    decoder: {
      inputs: [
        ...featureMaps,
        'points',
        'labels',
        'prior',
        'hasPrior',
        'memoryEmbedding',
        'memoryMask',
        'memoryValid',
      ],
      outputs: ['logits', 'iou', 'presence'],
    },
    refiner: { inputs: ['crop', 'prior', 'appearance'], outputs: ['logits', 'iou', 'appearance'] },
    text: { inputs: [], optionalInputs: featureMaps, outputs: ['classes'] },
  },

  unsupported(manifest) {
    const { preprocess, prompts, presence, memory, graphs } = manifest;
    return [
      preprocess.fit !== 'stretch' && 'preprocess.fit: expected "stretch"',
      prompts.coordinates !== 'normalised' && 'prompts.coordinates: expected "normalised"',
      prompts.box.route !== 'first-two-points' && 'prompts.box.route: expected "first-two-points"',
      prompts.points.slots < 3 && 'prompts.points.slots: expected 3 or more',
      presence === null && 'presence: the graph has it, so it needs an activation',
      graphs.decoder.inputs['memoryValid']?.shape[1] !== memory.slots &&
        'memory.slots: differs from the shape of memoryValid',
    ].filter((problem) => problem !== false);
  },

  async encode(picture, graphs, manifest) {
    return await encodePicture(graph(graphs, 'encoder'), picture, manifest);
  },

  async decode(features, items, graphs, manifest) {
    const { batching } = manifest;
    const perRun = batching.kind === 'one' ? 1 : batching.maxObjects;
    const results: Candidates[] = [];
    for (let from = 0; from < items.length; from += perRun) {
      const part = items.slice(from, from + perRun);
      const prompts = promptTensors(part, features, manifest);
      const outputs = await graph(graphs, 'decoder').run({ ...features, ...prompts });
      freeTensors(prompts);
      results.push(...split(outputs, part.length, manifest));
    }
    return results;
  },

  async classify(features, graphs) {
    // classes: float32[1, channels, side, side]
    const text = graph(graphs, 'text');
    const used = Object.entries(features).filter(([meaning]) => text.hasInput(meaning));
    const { classes } = await text.run(Object.fromEntries(used));
    return { maps: floats(classes!), side: classes!.dims.at(-1)! };
  },
};

function graph(graphs: Graphs, role: keyof Graphs): Graph {
  const found = graphs[role];
  if (found === undefined) throw new Error(`the ${role} does not run in this worker`);
  return found;
}

/** Prompts and memory of `items` as one batch. */
function promptTensors(
  items: readonly LayoutItem[],
  features: LayoutFeatures,
  manifest: Manifest,
): Record<string, Tensor> {
  const objects = items.length;
  const { side } = manifest.masks;
  const { slots } = manifest.prompts.points;
  const frames = manifest.memory.slots;
  const points = new Float32Array(objects * slots * 2);
  const labels = new Float32Array(objects * slots).fill(manifest.prompts.points.paddingLabel);
  const prior = new Float32Array(objects * side * side);
  const hasPrior = new Float32Array(objects);
  const [, channels = 1, rows = 1, columns = 1] = features['embedding']!.dims;
  const embeddingLength = channels * rows * columns;
  const memoryEmbedding = new Float32Array(objects * frames * embeddingLength);
  const memoryMask = new Float32Array(objects * frames * side * side);
  const memoryValid = new Float32Array(objects * frames);
  items.forEach((item, i) => {
    writePoints(item, manifest, {
      points: points.subarray(i * slots * 2, (i + 1) * slots * 2),
      labels: labels.subarray(i * slots, (i + 1) * slots),
    });
    if (item.prior !== null) {
      prior.set(item.prior, i * side * side);
      hasPrior[i] = 1;
    }
    item.memory.forEach((memory, slot) => {
      const at = i * frames + slot;
      memoryEmbedding.set(floats(memory.features['embedding']!), at * embeddingLength);
      memoryMask.set(memory.mask, at * side * side);
      memoryValid[at] = 1;
    });
  });
  return {
    points: floatTensor(points, [objects, slots, 2]),
    labels: floatTensor(labels, [objects, slots]),
    prior: floatTensor(prior, [objects, 1, side, side]),
    hasPrior: floatTensor(hasPrior, [objects]),
    memoryEmbedding: floatTensor(memoryEmbedding, [objects, frames, channels, rows, columns]),
    memoryMask: floatTensor(memoryMask, [objects, frames, 1, side, side]),
    memoryValid: floatTensor(memoryValid, [objects, frames]),
  };
}

/** The box takes slots 0 and 1, which stay padded without one; clicks follow. */
function writePoints(
  { box, clicks }: LayoutItem,
  { prompts }: Manifest,
  out: { readonly points: Float32Array; readonly labels: Float32Array },
): void {
  if (box !== null && prompts.box.route === 'first-two-points') {
    out.points.set([box.x, box.y, box.x + box.width, box.y + box.height]);
    out.labels.set([prompts.box.topLeftLabel, prompts.box.bottomRightLabel]);
  }
  clicks.forEach((click, i) => {
    out.points.set([click.x, click.y], (i + 2) * 2);
    const { positiveLabel, negativeLabel } = prompts.points;
    out.labels[i + 2] = click.label === 'positive' ? positiveLabel : negativeLabel;
  });
}

// logits: float32[N, candidates, side, side]; iou: float32[N, candidates]; presence: float32[N, 1]
function split(
  outputs: Record<string, Tensor>,
  objects: number,
  { masks }: Manifest,
): Candidates[] {
  const logits = floats(outputs['logits']!);
  const scores = floats(outputs['iou']!);
  const presence = floats(outputs['presence']!);
  const area = masks.candidates * masks.side * masks.side;
  return Array.from({ length: objects }, (_, i) => ({
    logits: logits.subarray(i * area, (i + 1) * area),
    scores: scores.subarray(i * masks.candidates, (i + 1) * masks.candidates),
    presence: presence[i] ?? null,
  }));
}
