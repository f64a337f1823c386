import type { GraphRole, Manifest, ObjectMemoryManifest } from '../manifest.ts';

/** Names that exporters give to a tensor, most usual first, by its meaning. */
export type TensorNames = Readonly<Record<string, readonly string[]>>;

/** How one graph of a family is told by its tensors. */
export type GraphSignature = {
  readonly inputs: TensorNames;
  readonly outputs: TensorNames;
  /** Meanings that an export may leave out. */
  readonly optional?: readonly string[];
};

/** A family of exports that is served: its tensors, and what its files do not say. */
export type FamilySignature = {
  /** For people, such as `SAM 2.1 with memory, dynamic lengths`. */
  readonly name: string;
  readonly layout: Manifest['layout'];
  readonly graphs: Readonly<Partial<Record<GraphRole, GraphSignature>>>;
  readonly required: readonly GraphRole[];
  /** How the bank goes into attention; absent where the family keeps no memory of objects. */
  readonly attention?: ObjectMemoryManifest['attention'];
};

const same = (...names: string[]): TensorNames =>
  Object.fromEntries(names.map((name) => [name, [name]]));

const maskstream: FamilySignature = {
  name: 'maskstream',
  layout: 'maskstream',
  required: ['encoder', 'decoder'],
  graphs: {
    encoder: {
      inputs: same('image'),
      outputs: { embedding: ['emb'], features8: ['f8'], features4: ['f4'] },
    },
    decoder: {
      inputs: {
        embedding: ['emb'],
        features8: ['f8'],
        features4: ['f4'],
        ...same('points', 'labels'),
        prior: ['mask'],
        hasPrior: ['has_mask'],
        memoryEmbedding: ['mem_emb'],
        memoryMask: ['mem_mask'],
        memoryValid: ['mem_valid'],
      },
      optional: ['features8', 'features4', 'memoryEmbedding', 'memoryMask', 'memoryValid'],
      outputs: { logits: ['logits'], iou: ['iou'], presence: ['obj'] },
    },
    refiner: {
      inputs: same('crop', 'prior', 'appearance'),
      outputs: { ...same('logits', 'iou'), appearance: ['appearance_out'] },
    },
  },
};

/** The parts that all exports of SAM's trackers have in common, in names that were seen. */
const samGraphs = {
  encoder: {
    inputs: { image: ['pixel_values', 'image'] },
    outputs: {
      features4: ['feats0', 'high_res_feat0'],
      features8: ['feats1', 'high_res_feat1'],
      embedding: ['feats2', 'pix_feat'],
      positions: ['vision_pos_embed'],
      promptedEmbedding: ['feats2_no_mem'],
    },
    optional: ['promptedEmbedding'],
  },
  decoder: {
    inputs: {
      features4: ['feats0'],
      features8: ['feats1'],
      embedding: ['feats2_cond', 'feats2'],
      points: ['input_points'],
      labels: ['input_labels'],
    },
    outputs: {
      logits: ['low_res_mask', 'pred_masks'],
      highRes: ['high_res_mask', 'high_res_masks'],
      iou: ['iou', 'iou_scores'],
      presence: ['object_score_logits'],
      pointer: ['object_pointer'],
    },
  },
  memoryEncoder: {
    inputs: {
      embedding: ['feats2', 'vision_features'],
      highRes: ['high_res_mask', 'pred_masks_high_res'],
      logits: ['low_res_mask'],
      presence: ['object_score_logits'],
      prompted: ['binarize', 'is_prompted', 'is_mask_from_pts'],
    },
    outputs: { map: ['memory_tokens'], positions: ['memory_pos', 'memory_pos_enc'] },
    optional: ['highRes', 'logits', 'presence', 'prompted', 'positions'],
  },
  pointerPositions: {
    inputs: { ages: ['normalized_diffs'] },
    outputs: { positions: ['pointer_pos'] },
  },
  maskPrompt: {
    inputs: {
      features4: ['feats0'],
      features8: ['feats1'],
      embedding: ['feats2'],
      mask: ['mask'],
    },
    outputs: { pointer: ['object_pointer'] },
  },
} as const satisfies Partial<Record<GraphRole, GraphSignature>>;

const current = {
  current: ['current_vision_features', 'current_vision_feat'],
  currentPositions: ['current_vision_position_embeddings', 'current_vision_pos_embed'],
};

function samFamily(
  name: string,
  attention: ObjectMemoryManifest['attention'],
  bank: TensorNames,
): FamilySignature {
  return {
    name,
    layout: 'sam-memory',
    attention,
    required: ['encoder', 'decoder', 'memoryEncoder', 'memoryAttention'],
    graphs: {
      ...samGraphs,
      memoryAttention: {
        inputs: { ...current, ...bank },
        outputs: { embedding: ['conditioned_feats', 'image_embed'] },
      },
    },
  };
}

/** Families that are served, the most particular first. */
export const families: readonly FamilySignature[] = [
  samFamily('SAM tracker with memory of any length', 'dynamic', {
    maps: ['spatial_memory'],
    mapPositions: ['spatial_memory_position_embeddings'],
    pointers: ['pointer_memory'],
    pointerPositions: ['pointer_memory_position_embeddings'],
  }),
  samFamily('EdgeTAM with memory in slots', 'masked-slots', {
    maps: ['memory_spatial'],
    mapPositions: ['memory_spatial_pos'],
    mapRows: ['tpos_indices'],
    mask: ['memory_mask'],
    pointers: ['object_pointers'],
  }),
  samFamily('SAM 2.1 with memory of one length', 'repeat-newest', {
    memory: ['memory'],
    memoryPositions: ['memory_pos'],
  }),
  maskstream,
];

/** Graphs of families that are known and not served, by input names that no other family has. */
export const unserved: readonly { readonly name: string; readonly inputs: readonly string[] }[] = [
  {
    name: 'the mask decoder of transformers.js for SAM 2.1, EdgeTAM or SAM 3 (no memory)',
    inputs: ['input_points', 'input_labels', 'input_boxes', 'image_embeddings.0'],
  },
  {
    name: 'the mask decoder of transformers.js for SAM (no memory)',
    inputs: ['input_points', 'image_embeddings', 'image_positional_embeddings'],
  },
  {
    name: 'the mask decoder of SAM’s own export, also MobileSAM’s (no memory)',
    inputs: ['image_embeddings', 'point_coords', 'point_labels', 'mask_input', 'has_mask_input'],
  },
  {
    name: 'samexporter’s decoder for SAM 2.1 (no memory)',
    inputs: ['image_embed', 'high_res_feats_0', 'high_res_feats_1', 'point_coords'],
  },
  {
    name: 'EfficientSAM’s decoder (no memory)',
    inputs: ['image_embeddings', 'batched_point_coords', 'batched_point_labels'],
  },
  {
    name: 'ONNX Runtime’s decoder for SAM 2 (no memory)',
    inputs: ['image_features_0', 'image_features_1', 'image_embeddings', 'input_masks'],
  },
  {
    name: 'the text decoder of SAM 3',
    inputs: ['language_mask', 'language_features', 'box_coords'],
  },
];
