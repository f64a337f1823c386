import type { Layout } from './layout.ts';
import { openSamMemory } from './sam-memory-port.ts';
import { encodePicture } from './image-tensor.ts';

/** Outputs of the encoder at 1/4, 1/8 and 1/16 of the input; the last is raw, no embedding added. */
const featureMaps = ['features4', 'features8', 'embedding'];

/**
 * Exports of SAM 2.1, SAM 3's tracker and EdgeTAM with their memory: an image encoder, a decoder that
 * takes an embedding with memory in it, a memory encoder and memory attention. What differs between
 * them is in the manifest.
 */
export const samMemoryLayout: Layout = {
  meanings: {
    encoder: {
      inputs: ['image'],
      outputs: [...featureMaps, 'positions'],
      optionalOutputs: ['promptedEmbedding'],
    },
    decoder: {
      inputs: [...featureMaps, 'points', 'labels'],
      outputs: ['logits', 'highRes', 'iou', 'presence', 'pointer'],
    },
    memoryEncoder: {
      inputs: ['embedding'],
      optionalInputs: ['highRes', 'logits', 'presence', 'prompted'],
      outputs: ['map'],
      optionalOutputs: ['positions', 'temporalPositions'],
    },
    memoryAttention: {
      inputs: ['currentPositions'],
      optionalInputs: [
        // The frame itself; with "no memory" added where the graph takes that off.
        'current',
        'currentPrompted',
        'maps',
        'mapPositions',
        'mapRows',
        'pointers',
        'pointerPositions',
        'memory',
        'memoryPositions',
        'mask',
        'age',
      ],
      outputs: ['embedding'],
    },
    pointerPositions: { inputs: ['ages'], outputs: ['positions'] },
    maskPrompt: { inputs: [...featureMaps, 'mask'], outputs: ['pointer'] },
  },

  unsupported({ objectMemory, graphs, preprocess, prompts, masks, memory, tracking, ...rest }) {
    const missing = (['memoryEncoder', 'memoryAttention'] as const).filter(
      (role) => graphs[role] === undefined,
    );
    const noEmbedding =
      graphs.encoder.outputs['promptedEmbedding'] === undefined &&
      (objectMemory?.constants?.noMemoryEmbedding ?? null) === null;
    const attends = graphs.memoryAttention?.inputs ?? {};
    const takesPrompted = 'currentPrompted' in attends;
    return [
      ...missing.map((role) => `graphs.${role}: the layout needs it`),
      objectMemory === null && 'objectMemory: the layout needs it',
      noEmbedding &&
        'objectMemory.constants.noMemoryEmbedding: the encoder does not give it either',
      takesPrompted === 'current' in attends &&
        'graphs.memoryAttention.inputs: expected one of current and currentPrompted',
      takesPrompted &&
        graphs.encoder.outputs['promptedEmbedding'] === undefined &&
        'graphs.memoryAttention.inputs.currentPrompted: the encoder does not give it',
      preprocess.fit !== 'stretch' && 'preprocess.fit: expected "stretch"',
      preprocess.width !== preprocess.height && 'preprocess: expected a square',
      prompts.coordinates !== 'model-pixels' && 'prompts.coordinates: expected "model-pixels"',
      prompts.box.route !== 'first-two-points' && 'prompts.box.route: expected "first-two-points"',
      prompts.points.slots < 3 && 'prompts.points.slots: expected 3 or more',
      masks.choice !== 'score' && 'masks.choice: expected "score"',
      memory.slots !== 0 && 'memory.slots: expected 0, as the memory is the model’s own',
      rest.batching.kind !== 'one' && 'batching.kind: expected "one"',
      rest.presence === null && 'presence: the graph has it, so it needs an activation',
      // What was seen in one region says nothing about places in another.
      tracking.regionScale !== null && 'tracking.regionScale: expected null',
      (tracking.averageFlipPass || tracking.averageMemoryPass || tracking.decodePromptTwice) &&
        'tracking: expected no further passes',
    ].filter((problem) => problem !== false);
  },

  async encode(picture, graphs, manifest) {
    return await encodePicture(graphs.encoder!, picture, manifest);
  },

  decode() {
    throw new Error('a model with a memory of its own recalls objects');
  },

  openMemory: openSamMemory,
};
