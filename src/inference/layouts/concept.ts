import { encodePicture } from './image-tensor.ts';
import { openConcepts } from './concept-port.ts';
import type { Layout } from './layout.ts';

/** Encoder outputs that a detector may take: three scales, and where their cells lie. */
const featureMaps = [
  'embedding',
  'features8',
  'features4',
  'positions',
  'positions8',
  'positions4',
];

/**
 * SAM 3 for pictures: a text encoder, and a detector that finds all instances of a phrase, or of what
 * a box shows. It takes neither points nor masks: a click is a small box, a propagated mask its box.
 */
export const conceptLayout: Layout = {
  meanings: {
    encoder: { inputs: ['image'], outputs: ['embedding'], optionalOutputs: featureMaps },
    textEncoder: {
      inputs: ['tokens'],
      optionalInputs: ['tokenMask'],
      outputs: ['text', 'textMask'],
      optionalOutputs: ['textEmbedding'],
    },
    decoder: {
      inputs: ['text', 'textMask', 'box'],
      optionalInputs: [
        ...featureMaps,
        'textEmbedding',
        'boxLabels',
        'boxMask',
        'pictureHeight',
        'pictureWidth',
      ],
      outputs: ['logits', 'scores'],
      optionalOutputs: ['presence'],
    },
  },

  unsupported({ graphs, phrases, preprocess, prompts, memory, objectMemory, iou, tracking }) {
    const { inputs } = graphs.decoder;
    const unknown = featureMaps.filter((map) => map in inputs && !(map in graphs.encoder.outputs));
    return [
      ...unknown.map((map) => `graphs.decoder.inputs.${map}: the encoder does not give it`),
      graphs.textEncoder === undefined && 'graphs.textEncoder: the layout needs it',
      phrases === null && 'phrases: the layout needs it',
      preprocess.fit !== 'stretch' && 'preprocess.fit: expected "stretch"',
      prompts.coordinates !== 'normalised' && 'prompts.coordinates: expected "normalised"',
      prompts.box.route !== 'own-input' && 'prompts.box.route: expected "own-input"',
      memory.slots !== 0 && 'memory.slots: expected 0',
      objectMemory !== null && 'objectMemory: the layout has none, expected null',
      // Scores are made probabilities before they are compared.
      iou.activation === 'clamp' && 'iou.activation: expected "none" or "sigmoid"',
      (tracking.averageMemoryPass || tracking.averageFlipPass) &&
        'tracking: expected no further passes',
    ].filter((problem) => problem !== false);
  },

  async encode(picture, graphs, manifest) {
    return await encodePicture(graphs.encoder!, picture, manifest);
  },

  decode() {
    throw new Error('a model that finds concepts decodes through its port');
  },

  openConcepts,
};
