/** A model of others that `maskstream models pull` knows by name. */
export type Preset = {
  readonly name: string;
  /** Repository on the hub, `owner/name`. */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Terms of the weights. */
  readonly licence: string;
  /** Where model and weights come from. */
  readonly source: string;
  /** What was tested here. */
  readonly tested: string;
  /** Files that are fetched, of those in the repository. */
  readonly files: RegExp;
  /** Whether the layout of its graphs is served; if not, it is fetched and not added. */
  readonly served: boolean;
};

const withMemory = /^(onnx\/)?[\w-]+\.onnx([._]data(_\d+)?)?$|^constants\.json$|^(LICENSE|README\.md)$/;
const floatGraphs =
  /^onnx\/(vision_encoder|prompt_encoder_mask_decoder)\.onnx(_data(_\d+)?)?$|^(config|preprocessor_config)\.json$/;

const namesAndShapes =
  'Tested: recognition by its documented tensor names and shapes, with graphs of random weights; not its real weights.';
const noEmbedding =
  'Not served: this export leaves out the learned no_memory_embedding; export the model yourself and use models add.';

/** Every preset, in the order of the list. */
export const presets: readonly Preset[] = [
  {
    name: 'sam2.1-tiny',
    repository: 'square-zero-labs/sam2.1-tiny-video-onnx',
    revision: 'main',
    licence: 'Apache-2.0',
    source: 'SAM 2.1 Hiera-T by Meta, exported with its memory (fixed length)',
    tested: namesAndShapes,
    files: withMemory,
    served: true,
  },
  {
    name: 'sam2.1-small',
    repository: 'onnx-community/sam2.1-hiera-small-ONNX',
    revision: 'main',
    licence: 'Apache-2.0',
    source: 'SAM 2.1 Hiera-S by Meta, exported for transformers.js without memory',
    tested: namesAndShapes,
    files: floatGraphs,
    served: true,
  },
  {
    name: 'sam2.1-base-plus',
    repository: 'onnx-community/sam2.1-hiera-base-plus-ONNX',
    revision: 'main',
    licence: 'Apache-2.0',
    source: 'SAM 2.1 Hiera-B+ by Meta, exported for transformers.js without memory',
    tested: namesAndShapes,
    files: floatGraphs,
    served: true,
  },
  {
    name: 'sam2.1-large',
    repository: 'onnx-community/sam2.1-hiera-large-ONNX',
    revision: 'main',
    licence: 'Apache-2.0',
    source: 'SAM 2.1 Hiera-L by Meta, exported for transformers.js without memory',
    tested: namesAndShapes,
    files: floatGraphs,
    served: true,
  },
  {
    name: 'edgetam',
    repository: 'onnx-community/EdgeTAM-ONNX',
    revision: 'main',
    licence: 'Apache-2.0',
    source: 'EdgeTAM by Meta, exported for transformers.js without memory',
    tested: namesAndShapes,
    files: floatGraphs,
    served: true,
  },
  {
    name: 'edgetam-video',
    repository: 'jax-image-tools/edgetam-video-onnx',
    revision: 'main',
    licence: 'Apache-2.0',
    source: 'EdgeTAM by Meta, exported with its memory',
    tested: noEmbedding,
    files: withMemory,
    served: false,
  },
  {
    name: 'sam3-tracker',
    repository: 'onnx-community/sam3-tracker-ONNX',
    revision: 'main',
    licence: 'SAM License (gated by Meta)',
    source: 'the tracker of SAM 3 by Meta, exported for transformers.js without memory',
    tested: namesAndShapes,
    files: floatGraphs,
    served: true,
  },
  {
    name: 'sam3-video',
    repository: 'jax-image-tools/sam3-video-onnx',
    revision: 'main',
    licence: 'SAM License (gated by Meta)',
    source: 'the tracker of SAM 3 by Meta, exported with its memory',
    tested: noEmbedding,
    files: withMemory,
    served: false,
  },
];

/** The preset of that name; undefined where there is none. */
export function presetNamed(name: string): Preset | undefined {
  return presets.find((preset) => preset.name === name);
}
