import { expect, test } from 'vitest';
import type { GraphTensor } from '../../../src/inference/engine/inspect-graph.ts';
import {
  explainUnrecognised,
  recognise,
  type FoundGraph,
} from '../../../src/inference/recognition/recognise.ts';

const tensor = (name: string): GraphTensor => ({ name, type: 'float32', shape: [1] });
const graph = (file: string, inputs: string, outputs: string): FoundGraph => ({
  file,
  tensors: {
    inputs: inputs.split(' ').map(tensor),
    outputs: outputs.split(' ').map(tensor),
  },
});

const vision = graph(
  'a.onnx',
  'pixel_values',
  'feats0 feats1 feats2 feats2_no_mem vision_pos_embed',
);
const decoder = graph(
  'b.onnx',
  'feats0 feats1 feats2_cond input_points input_labels',
  'low_res_mask high_res_mask iou object_score_logits object_pointer',
);
const memoryEncoder = graph(
  'c.onnx',
  'feats2 high_res_mask object_score_logits binarize',
  'memory_tokens memory_pos',
);
const pointers = graph('d.onnx', 'normalized_diffs', 'pointer_pos');
const currents = 'current_vision_features current_vision_position_embeddings';
const attentions = {
  'repeat-newest': graph('e.onnx', `${currents} memory memory_pos`, 'conditioned_feats'),
  dynamic: graph(
    'e.onnx',
    `${currents} spatial_memory spatial_memory_position_embeddings pointer_memory pointer_memory_position_embeddings`,
    'conditioned_feats',
  ),
  'masked-slots': graph(
    'e.onnx',
    `${currents} memory_spatial memory_spatial_pos tpos_indices memory_mask object_pointers`,
    'conditioned_feats',
  ),
};

test.each(Object.keys(attentions) as (keyof typeof attentions)[])(
  'a tracker with memory is told by its attention: %s',
  (kind) => {
    // The order of the files says nothing, and neither do their names.
    const found = recognise([attentions[kind], pointers, memoryEncoder, decoder, vision]);
    expect(found?.family).toMatchObject({ layout: 'sam-memory', attention: kind });
    expect(Object.fromEntries(Object.entries(found!.graphs).map(([k, g]) => [k, g.file]))).toEqual({
      encoder: 'a.onnx',
      decoder: 'b.onnx',
      memoryEncoder: 'c.onnx',
      pointerPositions: 'd.onnx',
      memoryAttention: 'e.onnx',
    });
    expect(found?.graphs.decoder?.inputs['embedding']?.name).toBe('feats2_cond');
  },
);

test('an input that has no meaning makes it another graph', () => {
  const odd = graph(
    'b.onnx',
    'feats0 feats1 feats2_cond input_points input_labels temperature',
    'low_res_mask high_res_mask iou object_score_logits object_pointer',
  );
  expect(recognise([vision, odd, memoryEncoder, attentions.dynamic])).toBeNull();
});

test('an output that nobody reads is listed as unused', () => {
  const more = graph('c.onnx', 'feats2 high_res_mask binarize', 'memory_tokens memory_pos debug');
  const found = recognise([vision, decoder, more, attentions.dynamic]);
  expect(found?.graphs.memoryEncoder?.outputs['unused1']?.name).toBe('debug');
});

test('half a family is none, and its graphs are listed', () => {
  expect(recognise([vision, decoder])).toBeNull();
  expect(explainUnrecognised([graph('y.onnx', 'in also', 'out')])).toEqual([
    'y.onnx (in, also -> out)',
  ]);
});
