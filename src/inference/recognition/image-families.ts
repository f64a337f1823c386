import type { FamilySignature, GraphSignature } from './family-signature.ts';

const transformersJs: GraphSignature = {
  inputs: {
    points: ['input_points'],
    labels: ['input_labels'],
    box: ['input_boxes'],
    features4: ['image_embeddings.0'],
    features8: ['image_embeddings.1'],
    embedding: ['image_embeddings.2'],
  },
  outputs: {
    logits: ['pred_masks'],
    iou: ['iou_scores'],
    presence: ['object_score_logits'],
  },
};

/** Image segmenters; a tracker's decoder has none of these sets of inputs. */
export const imageFamilies: readonly FamilySignature[] = [
  {
    name: 'SAM 2.1, EdgeTAM or SAM 3 tracker of transformers.js',
    layout: 'sam',
    required: ['encoder', 'decoder'],
    sam: {
      fit: 'stretch',
      colours: 'normalised',
      coordinates: 'model-pixels',
      box: 'own-input',
      iou: 'none',
    },
    graphs: {
      encoder: {
        inputs: { image: ['pixel_values'] },
        outputs: {
          features4: ['image_embeddings.0'],
          features8: ['image_embeddings.1'],
          embedding: ['image_embeddings.2'],
        },
      },
      decoder: transformersJs,
    },
  },
  {
    name: 'SAM or SlimSAM of transformers.js',
    layout: 'sam',
    required: ['encoder', 'decoder'],
    sam: {
      fit: 'longest-pad',
      colours: 'normalised',
      coordinates: 'model-pixels',
      box: 'none',
      iou: 'clamp',
    },
    graphs: {
      encoder: {
        inputs: { image: ['pixel_values'] },
        outputs: {
          embedding: ['image_embeddings'],
          positions: ['image_positional_embeddings'],
        },
      },
      decoder: {
        inputs: {
          points: ['input_points'],
          labels: ['input_labels'],
          embedding: ['image_embeddings'],
          positions: ['image_positional_embeddings'],
        },
        optional: ['labels'],
        outputs: { logits: ['pred_masks'], iou: ['iou_scores'] },
      },
    },
  },
  {
    name: 'EfficientSAM',
    layout: 'sam',
    required: ['encoder', 'decoder'],
    sam: {
      fit: 'stretch',
      colours: 'in-graph-0-1',
      coordinates: 'source-pixels',
      box: 'corners',
      iou: 'none',
    },
    graphs: {
      encoder: {
        inputs: { image: ['batched_images'] },
        outputs: { embedding: ['image_embeddings'] },
      },
      decoder: {
        inputs: {
          points: ['batched_point_coords'],
          labels: ['batched_point_labels'],
          embedding: ['image_embeddings'],
          pictureSize: ['orig_im_size'],
        },
        outputs: { logits: ['output_masks'], iou: ['iou_predictions'] },
      },
    },
  },
  {
    name: 'SAM 2 of ONNX Runtime',
    layout: 'sam',
    required: ['encoder', 'decoder'],
    sam: {
      fit: 'stretch',
      colours: 'normalised',
      coordinates: 'model-pixels',
      box: 'corners',
      iou: 'none',
    },
    graphs: {
      encoder: {
        inputs: { image: ['image'] },
        outputs: {
          features4: ['image_features_0'],
          features8: ['image_features_1'],
          embedding: ['image_embeddings'],
        },
      },
      decoder: {
        inputs: {
          features4: ['image_features_0'],
          features8: ['image_features_1'],
          embedding: ['image_embeddings'],
          points: ['point_coords'],
          labels: ['point_labels'],
          prior: ['input_masks'],
          hasPrior: ['has_input_masks'],
          pictureSize: ['original_image_size'],
        },
        outputs: { logits: ['low_res_masks'], iou: ['iou_predictions'] },
      },
    },
  },
  {
    name: 'SAM 2 of samexporter',
    layout: 'sam',
    required: ['encoder', 'decoder'],
    sam: {
      fit: 'stretch',
      colours: 'normalised',
      coordinates: 'model-pixels',
      box: 'corners',
      iou: 'none',
    },
    graphs: {
      encoder: {
        inputs: { image: ['image'] },
        outputs: {
          features4: ['high_res_feats_0'],
          features8: ['high_res_feats_1'],
          embedding: ['image_embed'],
        },
      },
      decoder: {
        inputs: {
          features4: ['high_res_feats_0'],
          features8: ['high_res_feats_1'],
          embedding: ['image_embed'],
          points: ['point_coords'],
          labels: ['point_labels'],
          prior: ['mask_input'],
          hasPrior: ['has_mask_input'],
        },
        outputs: { logits: ['masks'], iou: ['iou_predictions'] },
      },
    },
  },
  {
    name: 'SAM or MobileSAM with the decoder of SAM’s own export',
    layout: 'sam',
    required: ['encoder', 'decoder'],
    sam: {
      fit: 'longest-pad',
      // Exporters of encoders differ: those that take rows of pixels normalise in the graph.
      colours: 'in-graph-where-channels-last',
      coordinates: 'model-pixels',
      box: 'corners',
      padWithoutBox: true,
      iou: 'clamp',
    },
    graphs: {
      encoder: {
        inputs: { image: ['input_image', 'image', 'images', 'x'] },
        outputs: { embedding: ['image_embeddings'] },
      },
      decoder: {
        inputs: {
          embedding: ['image_embeddings'],
          points: ['point_coords'],
          labels: ['point_labels'],
          prior: ['mask_input'],
          hasPrior: ['has_mask_input'],
          pictureSize: ['orig_im_size'],
        },
        optional: ['pictureSize'],
        outputs: { logits: ['low_res_masks'], iou: ['iou_predictions'] },
      },
    },
  },
];
