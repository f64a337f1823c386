import type { FamilySignature } from './family-signature.ts';

/** Exports of SAM 3 for pictures, where phrases find all instances. */
export const conceptFamilies: readonly FamilySignature[] = [
  {
    name: 'SAM 3 with phrases, in three files of usls',
    layout: 'concept',
    required: ['encoder', 'textEncoder', 'decoder'],
    concept: { colours: 'normalised', scores: 'logits' },
    graphs: {
      encoder: {
        inputs: { image: ['images'] },
        outputs: {
          features4: ['fpn_feat_0'],
          features8: ['fpn_feat_1'],
          embedding: ['fpn_feat_2'],
          positions: ['fpn_pos_2'],
        },
      },
      textEncoder: {
        inputs: { tokens: ['input_ids'], tokenMask: ['attention_mask'] },
        outputs: { text: ['text_features'], textMask: ['text_mask'] },
      },
      decoder: {
        inputs: {
          features4: ['fpn_feat_0'],
          features8: ['fpn_feat_1'],
          embedding: ['fpn_feat_2'],
          positions: ['fpn_pos_2'],
          text: ['text_features'],
          textMask: ['text_mask'],
          box: ['input_boxes'],
          boxLabels: ['input_boxes_labels'],
        },
        outputs: { logits: ['pred_masks'], scores: ['pred_logits'], presence: ['presence_logits'] },
      },
    },
  },
  {
    name: 'SAM 3 with phrases, of samexporter',
    layout: 'concept',
    required: ['encoder', 'textEncoder', 'decoder'],
    concept: { colours: 'in-graph', scores: 'probabilities' },
    graphs: {
      encoder: {
        inputs: { image: ['image'] },
        outputs: {
          features4: ['backbone_fpn_0'],
          features8: ['backbone_fpn_1'],
          embedding: ['backbone_fpn_2'],
          positions4: ['vision_pos_enc_0'],
          positions8: ['vision_pos_enc_1'],
          positions: ['vision_pos_enc_2'],
        },
        optional: ['positions4', 'positions8'],
      },
      textEncoder: {
        inputs: { tokens: ['tokens'] },
        outputs: {
          text: ['text_memory'],
          textMask: ['text_attention_mask'],
          textEmbedding: ['text_embeds'],
        },
        optional: ['textEmbedding'],
      },
      decoder: {
        inputs: {
          features4: ['backbone_fpn_0'],
          features8: ['backbone_fpn_1'],
          embedding: ['backbone_fpn_2'],
          positions4: ['vision_pos_enc_0'],
          positions8: ['vision_pos_enc_1'],
          positions: ['vision_pos_enc_2'],
          text: ['language_features'],
          textMask: ['language_mask'],
          textEmbedding: ['language_embeds'],
          box: ['box_coords'],
          boxLabels: ['box_labels'],
          boxMask: ['box_masks'],
          pictureHeight: ['original_height'],
          pictureWidth: ['original_width'],
        },
        optional: ['positions4', 'positions8', 'textEmbedding', 'pictureHeight', 'pictureWidth'],
        outputs: { logits: ['masks'], scores: ['scores'] },
      },
    },
  },
];
