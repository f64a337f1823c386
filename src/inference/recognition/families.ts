import type { GraphRole, ObjectMemoryManifest } from '../manifest.ts';
import type { FamilySignature, GraphSignature, TensorNames } from './family-signature.ts';
import { conceptFamilies } from './concept-families.ts';
import { imageFamilies } from './image-families.ts';

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

/** SAM 2 with its memory as NVIDIA's tools export it: objects are a batch, and nothing lies beside the graphs. */
const stacked: FamilySignature = {
  name: 'SAM 2 with memory, objects as a batch',
  layout: 'sam-memory',
  attention: 'stacked',
  required: ['encoder', 'decoder', 'memoryEncoder', 'memoryAttention'],
  graphs: {
    encoder: {
      inputs: same('image'),
      outputs: {
        features4: ['high_res_feat0'],
        features8: ['high_res_feat1'],
        embedding: ['pix_feat'],
        promptedEmbedding: ['vision_feats'],
        positions: ['vision_pos_embed'],
      },
    },
    decoder: {
      inputs: {
        features4: ['high_res_feats_0'],
        features8: ['high_res_feats_1'],
        embedding: ['image_embed'],
        points: ['point_coords'],
        labels: ['point_labels'],
      },
      outputs: {
        logits: ['pred_mask'],
        highRes: ['mask_for_mem'],
        iou: ['iou'],
        presence: ['occ_logit'],
        pointer: ['obj_ptr'],
      },
    },
    memoryEncoder: {
      inputs: { embedding: ['pix_feat'], highRes: ['mask_for_mem'], presence: ['occ_logit'] },
      outputs: {
        map: ['maskmem_features'],
        positions: ['maskmem_pos_enc'],
        temporalPositions: ['temporal_code'],
      },
    },
    memoryAttention: {
      inputs: {
        currentPrompted: ['current_vision_feat'],
        currentPositions: ['current_vision_pos_embed'],
        maps: ['memory_1'],
        pointers: ['memory_0'],
        memoryPositions: ['memory_pos_embed'],
        age: ['cond_frame_id_diff'],
      },
      outputs: { embedding: ['image_embed'] },
    },
  },
};

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
  stacked,
  ...imageFamilies,
  ...conceptFamilies,
  maskstream,
];
