import { floatTensor, tensorOf, type Tensor } from '../engine/onnxruntime.ts';
import type { GraphPort as Graph } from '../engine/graph-port.ts';
import type { Candidates } from './candidate.ts';
import { encodePicture } from './image-tensor.ts';
import type { Layout, LayoutFeatures, LayoutItem } from './layout.ts';
import { maskAsPrompt } from './mask-as-prompt.ts';
import { floats } from '../engine/float-tensors.ts';
import { fromPadded, intoPadded } from './padded-square.ts';
import { filledShare } from './preprocess.ts';
import type { Manifest } from '../manifest.ts';
import type { Size } from '../../frame/geometry.ts';

/** Encoder outputs that a decoder may take. */
const featureMaps = ['embedding', 'features8', 'features4', 'positions'];

/** Logits of a prior mask are kept within these: the graph saw no surer ones. */
const surestLogit = 10;

/** Under this key the features say which share of the input the picture fills. */
const shareKey = 'filledShare';

/**
 * Image segmenters of the SAM kind: an encoder, and a decoder with its prompt encoder that takes points
 * and, depending on the export, a box, a mask and sizes. What an export lacks is left out; a mask for
 * a decoder without that input becomes a box and points inside it.
 */
export const samLayout: Layout = {
  meanings: {
    encoder: { inputs: ['image'], outputs: ['embedding'], optionalOutputs: featureMaps },
    decoder: {
      inputs: ['embedding', 'points'],
      optionalInputs: [...featureMaps, 'labels', 'box', 'prior', 'hasPrior', 'pictureSize'],
      outputs: ['logits', 'iou'],
      optionalOutputs: ['presence'],
    },
  },

  unsupported({ graphs, prompts, memory, batching, presence, objectMemory, tracking }) {
    const { inputs, outputs } = graphs.decoder;
    const unknown = featureMaps.filter((map) => map in inputs && !(map in graphs.encoder.outputs));
    return [
      ...unknown.map((map) => `graphs.decoder.inputs.${map}: the encoder does not give it`),
      memory.slots !== 0 && 'memory.slots: expected 0',
      objectMemory !== null && 'objectMemory: the layout has none, expected null',
      batching.kind !== 'one' && 'batching.kind: expected "one"',
      'presence' in outputs !== (presence !== null) &&
        'presence: an activation is needed exactly where the decoder says it',
      'box' in inputs !== (prompts.box.route === 'own-input') &&
        'prompts.box.route: "own-input" is needed exactly where the decoder has a box',
      'hasPrior' in inputs !== 'prior' in inputs &&
        'graphs.decoder.inputs: prior and hasPrior come together',
      prompts.coordinates === 'source-pixels' &&
        !('pictureSize' in inputs) &&
        'prompts.coordinates: "source-pixels" needs the input pictureSize',
      !('labels' in inputs) &&
        prompts.box.route === 'first-two-points' &&
        'prompts.box.route: corners are told by labels, which the decoder does not take',
      tracking.averageMemoryPass && 'tracking.averageMemoryPass: the model has no memory',
    ].filter((problem) => problem !== false);
  },

  async encode(picture, graphs, manifest) {
    const { width, height } = filledShare(picture, manifest.preprocess);
    const share = floatTensor(Float32Array.of(width, height), [2]);
    return { ...(await encodePicture(graphs.encoder!, picture, manifest)), [shareKey]: share };
  },

  async decode(features, items, graphs, manifest) {
    const decoder = graphs.decoder!;
    const results: Candidates[] = [];
    for (const item of items) {
      const feeds = {
        ...wired(features, decoder),
        ...promptTensors(item, features, decoder, manifest),
      };
      results.push(candidatesOf(await decoder.run(feeds), features, manifest));
    }
    return results;
  },
};

/** The feature maps that the decoder takes. */
function wired(features: LayoutFeatures, decoder: Graph): LayoutFeatures {
  const taken = featureMaps.filter((map) => decoder.hasInput(map));
  return Object.fromEntries(taken.map((map) => [map, features[map]!]));
}

function promptTensors(
  item: LayoutItem,
  features: LayoutFeatures,
  decoder: Graph,
  manifest: Manifest,
): Record<string, Tensor> {
  const share = shareOf(features);
  const asked = decoder.hasInput('prior') ? item : withoutPrior(item, manifest);
  const tensors: Record<string, Tensor> = pointTensors(asked, share, decoder, manifest);
  if (decoder.hasInput('box')) tensors['box'] = boxTensor(asked, share, manifest);
  if (decoder.hasInput('prior')) {
    const side = Number(decoder.inputOf('prior')!.shape.at(-1));
    const prior = asked.prior && intoPadded(asked.prior.map(logitOf), share, side, -surestLogit);
    tensors['prior'] = floatTensor(prior ?? new Float32Array(side * side), [1, 1, side, side]);
    tensors['hasPrior'] = floatTensor(Float32Array.of(prior === null ? 0 : 1), [1]);
  }
  const size = decoder.inputOf('pictureSize');
  if (size !== undefined) {
    const { side } = manifest.masks;
    const rows = Math.max(1, Math.round(side * share.height));
    const columns = Math.max(1, Math.round(side * share.width));
    tensors['pictureSize'] = tensorOf(size.type, [rows, columns], [2]);
  }
  return tensors;
}

/** A prior as a box and points, beside what was asked anyway. */
function withoutPrior(item: LayoutItem, { prompts, masks }: Manifest): LayoutItem {
  const sampled = item.prior && maskAsPrompt(item.prior, masks.side);
  if (!sampled) return item;
  const canBox = prompts.box.route !== 'none';
  const room = prompts.points.slots - (prompts.box.route === 'first-two-points' ? 2 : 0);
  // Clicks that correct a mask outrank points that only repeat it.
  const clicks = item.clicks.length > 0 ? item.clicks : sampled.clicks;
  return { ...item, box: item.box ?? (canBox ? sampled.box : null), clicks: clicks.slice(0, room) };
}

/** points [1, P, 2] or [1, 1, P, 2] with labels [1, P] or [1, 1, P]. */
function pointTensors(
  { clicks, box }: LayoutItem,
  share: Size,
  decoder: Graph,
  manifest: Manifest,
): Record<string, Tensor> {
  const { points: rule, box: route } = manifest.prompts;
  const input = decoder.inputOf('points')!;
  const entries: [number, number, number][] = [];
  const put = (x: number, y: number, label: number): void => {
    const place = toGraph({ x, y }, share, manifest);
    entries.push([place.x, place.y, label]);
  };
  if (box !== null && route.route === 'first-two-points') {
    put(box.x, box.y, route.topLeftLabel);
    put(box.x + box.width, box.y + box.height, route.bottomRightLabel);
  }
  for (const { x, y, label } of clicks) {
    put(x, y, label === 'positive' ? rule.positiveLabel : rule.negativeLabel);
  }
  if (rule.padWithoutBox && box === null) entries.push([0, 0, rule.paddingLabel]);
  const wanted = input.shape.at(-2);
  const count = typeof wanted === 'number' ? wanted : entries.length;
  while (entries.length < count) entries.push([0, 0, rule.paddingLabel]);
  const batch = input.shape.length === 4 ? [1, 1] : [1];
  const places = Float32Array.from(entries.flatMap(([x, y]) => [x, y]));
  const labels = decoder.inputOf('labels');
  return {
    points: floatTensor(places, [...batch, count, 2]),
    ...(labels === undefined
      ? {}
      : {
          labels: tensorOf(
            labels.type,
            entries.map(([, , label]) => label),
            [...batch, count],
          ),
        }),
  };
}

/** Corners [1, 1, 4]; [1, 0, 4] where there is no box. */
function boxTensor({ box }: LayoutItem, share: Size, manifest: Manifest): Tensor {
  if (box === null) return floatTensor(new Float32Array(0), [1, 0, 4]);
  const from = toGraph(box, share, manifest);
  const to = toGraph({ x: box.x + box.width, y: box.y + box.height }, share, manifest);
  return floatTensor(Float32Array.of(from.x, from.y, to.x, to.y), [1, 1, 4]);
}

/** A place in fractions of the region, as the graph counts. */
function toGraph(
  { x, y }: { readonly x: number; readonly y: number },
  share: Size,
  { prompts, preprocess, masks }: Manifest,
): { x: number; y: number } {
  const inside = { x: x * share.width, y: y * share.height };
  switch (prompts.coordinates) {
    case 'normalised':
      return inside;
    case 'model-pixels':
      return { x: inside.x * preprocess.width, y: inside.y * preprocess.height };
    case 'source-pixels':
      // Of the picture whose size `pictureSize` tells the graph.
      return { x: inside.x * masks.side, y: inside.y * masks.side };
  }
}

// logits: float32[…, candidates, rows, columns]; iou: float32[…, candidates]; presence: one value
function candidatesOf(
  outputs: Record<string, Tensor>,
  features: LayoutFeatures,
  { masks, prompts }: Manifest,
): Candidates {
  const logits = outputs['logits']!;
  const [height, width] = [logits.dims.at(-2)!, logits.dims.at(-1)!];
  // A mask of the picture itself has no padding in it.
  const isPicture = prompts.coordinates === 'source-pixels';
  const share = isPicture ? { width: 1, height: 1 } : shareOf(features);
  const values = floats(logits);
  const area = masks.side * masks.side;
  const all = new Float32Array(masks.candidates * area);
  for (let i = 0; i < masks.candidates; i++) {
    const plane = values.subarray(i * width * height, (i + 1) * width * height);
    all.set(fromPadded(plane, { width, height }, share, masks.side), i * area);
  }
  return {
    logits: all,
    scores: floats(outputs['iou']!).subarray(0, masks.candidates),
    presence: outputs['presence'] === undefined ? null : floats(outputs['presence'])[0]!,
  };
}

function shareOf(features: LayoutFeatures): Size {
  const [width = 1, height = 1] = floats(features[shareKey]!);
  return { width, height };
}

function logitOf(probability: number): number {
  const logit = Math.log(probability / (1 - probability));
  return Math.min(surestLogit, Math.max(-surestLogit, logit));
}
