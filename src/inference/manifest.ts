import { z } from 'zod';

/*
 * What a model's folder says about its graphs. A manifest is data: everything that differs between
 * exports of promptable segmenters stands here, and the code of a layout reads it from here.
 */

const positiveInt = z.int().min(1);
const ratio = z.number().min(0).max(1);

/** Fixed size, or the name of one that varies from run to run, such as `N`. */
const dimension = z.union([positiveInt, z.string().min(1)]);

const tensor = z.strictObject({
  /** Name inside the graph; the manifest's key is the meaning. */
  name: z.string().min(1),
  type: z.enum(['float32', 'float16', 'int32', 'int64', 'uint8', 'bool']),
  shape: z.array(dimension),
});

const storedFile = z.strictObject({
  /** File beside the manifest, or in a folder there. */
  file: z
    .string()
    .regex(/^(?!\.{1,2}\/|.*\/\.{1,2}\/)[\w.-]+(\/[\w.-]+)*$/, 'a file below the manifest'),
  bytes: positiveInt,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits'),
});

const storedGraph = storedFile.extend({
  /** Files beside the graph that hold its weights, as the graph names them. */
  externalData: z.array(storedFile).default([]),
});

/** Names of arithmetic; `q4`: weights of four bits. */
const precision = z.enum(['fp32', 'fp16', 'bf16', 'int8', 'q4']);

const tensors = z.record(z.string(), tensor);

const graph = storedGraph.extend({
  /** Arithmetic of `file`. Default: fp32. */
  precision: precision.optional(),
  /** The same graph in 8-bit integers, with the same tensors; it runs where `cpu` is the provider. */
  quantised: storedGraph.optional(),
  /** Further files of the same graph, asked for by name; tensors where theirs are others. */
  variants: z
    .partialRecord(
      precision,
      storedGraph.extend({ inputs: tensors.optional(), outputs: tensors.optional() }),
    )
    .optional(),
  inputs: tensors,
  outputs: tensors,
});

/** Piecewise-linear map from the raw score to the IoU to expect; must not fall anywhere. */
const knots = z
  .array(z.tuple([z.number(), ratio]))
  .min(2)
  .refine(
    (list) =>
      list.every(([raw, expected], i) => {
        const before = list[i - 1];
        return before === undefined || (raw > before[0] && expected >= before[1]);
      }),
    'raw scores must rise and expected IoU must not fall',
  );

const preprocess = z.strictObject({
  width: positiveInt,
  height: positiveInt,
  /** `stretch` ignores the aspect; `longest-pad` keeps it and pads right and below. */
  fit: z.enum(['stretch', 'longest-pad']),
  colour: z.enum(['rgb', 'bgr']),
  /** Values before `mean` and `std`. */
  range: z.enum(['0-255', '0-1']),
  /** Per channel, in units of `range`; null where the graph normalises. */
  mean: z.tuple([z.number(), z.number(), z.number()]).nullable(),
  std: z.tuple([z.number(), z.number(), z.number()]).nullable(),
});

const prompts = z.strictObject({
  kinds: z.array(z.enum(['points', 'box', 'mask', 'text'])).min(1),
  /** Frame of clicks and boxes as the graph takes them. */
  coordinates: z.enum(['normalised', 'model-pixels', 'source-pixels']),
  points: z.strictObject({
    /** Points that a run takes, box corners included. */
    slots: positiveInt,
    positiveLabel: z.number(),
    negativeLabel: z.number(),
    paddingLabel: z.number(),
    /** One point of padding goes with clicks that have no box beside them. */
    padWithoutBox: z.boolean().default(false),
  }),
  /** How a box goes in: as two labelled points in the first two slots, as its own input, or not. */
  box: z.discriminatedUnion('route', [
    z.strictObject({
      route: z.literal('first-two-points'),
      topLeftLabel: z.number(),
      bottomRightLabel: z.number(),
    }),
    z.strictObject({ route: z.literal('own-input') }),
    z.strictObject({ route: z.literal('none') }),
  ]),
});

const masks = z.strictObject({
  /** Side of the square masks in and out. */
  side: positiveInt,
  candidates: positiveInt,
  /** Candidate that answers an unambiguous prompt; a lone click takes the best predicted IoU. */
  unambiguousPromptCandidate: z.int().min(0),
  /**
   * How a candidate is chosen. `score`: as `unambiguousPromptCandidate` says. `agreement`: the one most
   * like the propagated mask or the box, and of clicks the most stable that agrees with them; for models
   * whose scores are not known to rank well.
   */
  choice: z.enum(['score', 'agreement']).default('score'),
});

const iou = z.strictObject({
  activation: z.enum(['none', 'sigmoid', 'clamp']),
  calibration: knots,
  /** Finer tables by what the prompt was; `calibration` serves the rest. */
  calibrationByPrompt: z
    .partialRecord(z.enum(['click', 'clicks', 'box', 'mask', 'memory']), knots)
    .default({}),
});

/** State that a model keeps of each object: a memory bank of maps and object pointers. */
const objectMemory = z.strictObject({
  /** Maps that attention sees where one keyframe was prompted: it and the newest others. */
  maps: z.int().min(2),
  /** Prompted keyframes (conditioning frames) whose maps are kept; the newest stay. */
  conditioningFrames: positiveInt,
  tokensPerMap: positiveInt,
  dim: positiveInt,
  maxPointers: z.int().min(2),
  /** An object pointer is split into so many tokens of `dim`. */
  tokensPerPointer: positiveInt,
  /** What a stored map is rounded to; the original's own type. */
  values: z.enum(['bfloat16', 'float32']),
  /**
   * How the bank goes into attention: as long as it is (`dynamic`), filled up with its newest entry
   * (`repeat-newest`), in slots with a mask (`masked-slots`), or as feature maps of a batch (`stacked`).
   */
  attention: z.enum(['dynamic', 'repeat-newest', 'masked-slots', 'stacked']),
  /** JSON file with learned values that are in no graph, and their keys in it; null: there are none. */
  constants: storedFile
    .extend({
      /** float32[maps, dim]: first the row of the newest map, last that of prompted ones; null: in a graph. */
      temporalPositions: z.string().min(1).nullable(),
      /** Added to the embedding for prompted keyframes; null where the encoder gives that too. */
      noMemoryEmbedding: z.string().min(1).nullable(),
    })
    .nullable(),
});

const batching = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('one') }),
  z.strictObject({ kind: z.literal('objects'), maxObjects: positiveInt }),
]);

const tile = z
  .strictObject({ x: ratio, y: ratio, width: ratio.positive(), height: ratio.positive() })
  .refine(({ x, y, width, height }) => x + width <= 1 && y + height <= 1, 'a part of the picture');

const vocabularyEntry = z.strictObject({
  noun: z.string().min(1),
  /** Channel of the text graph's probability maps. */
  channel: z.int().min(0),
  /** Plurals and synonyms, lower case. */
  alsoKnownAs: z.array(z.string().min(1)).default([]),
  /** For this noun instead of the section's. */
  minProbability: ratio.optional(),
  minAreaRatio: ratio.optional(),
  /** Segmented in `tiles` too: one more encoder run for each. */
  tiled: z.boolean().default(false),
  /** Cut at `border` where two of the kind touch. */
  separable: z.boolean().default(false),
});

const text = z.strictObject({
  vocabulary: z.array(vocabularyEntry).min(1),
  /** A pixel belongs to a noun from this probability on. */
  minProbability: ratio,
  /** Smallest instance, as a share of the picture. */
  minAreaRatio: ratio,
  /** Channel that says where two things of a kind touch. */
  border: z.strictObject({ channel: z.int().min(0), minProbability: ratio }).optional(),
  /** Zoomed crops: parts of the picture that are encoded by themselves, in fractions of it. */
  tiles: z.array(tile).default([]),
});

/** Open vocabulary: phrases go through a text encoder. */
const phrases = z.strictObject({
  /** `tokenizer.json` of a byte-level BPE tokenizer, as CLIP's. */
  tokenizer: storedFile,
  /** Tokens of a phrase, those that frame and fill it included. */
  contextLength: z.int().min(3),
  startId: z.int().min(0),
  endId: z.int().min(0),
  paddingId: z.int().min(0),
  /** Phrase for whatever a box shows. */
  anything: z.string().min(1),
  /** An instance is found from this score on. */
  minScore: ratio,
});

const selfTest = z.strictObject({
  /** Generator of the picture: a textured ellipse on a textured ground. */
  picture: z.literal('ellipse'),
  seed: z.int(),
  prompt: z.enum(['box', 'click']),
  /** The model fails to load below this IoU with the true mask. */
  minIou: ratio,
});

/** Schema of `manifest.json`; docs/models.md describes it. Older formats: manifest-upgrade.ts. */
export const manifestSchema = z.strictObject({
  formatVersion: z.literal(2, {
    error: ({ input }) => `expected 1 or 2, got ${JSON.stringify(input)}`,
  }),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  /** Who talks to the graphs; each layout is one adapter. */
  layout: z.enum(['maskstream', 'sam', 'sam-memory', 'concept']),
  licence: z.string().min(1),
  graphs: z.strictObject({
    encoder: graph,
    decoder: graph,
    refiner: graph.optional(),
    text: graph.optional(),
    /** Roles of models that keep a memory of each object; see `objectMemory`. */
    memoryEncoder: graph.optional(),
    memoryAttention: graph.optional(),
    pointerPositions: graph.optional(),
    maskPrompt: graph.optional(),
    /** Phrases to features; see `phrases`. */
    textEncoder: graph.optional(),
  }),
  preprocess,
  prompts,
  masks,
  iou,
  /** The decoder says whether the object is there, as a logit or a probability; null where it does not. */
  presence: z.strictObject({ activation: z.enum(['none', 'sigmoid']) }).nullable(),
  memory: z.strictObject({ slots: z.int().min(0) }),
  objectMemory: objectMemory.nullable().default(null),
  batching,
  refiner: z
    .strictObject({
      cropSide: positiveInt,
      /** Rows and columns of one object's appearance. */
      appearance: z.tuple([positiveInt, positiveInt]),
      calibration: knots,
      /** See `ModelInfo` in frame/model.ts. */
      maxConfidence: ratio,
    })
    .nullable(),
  text: text.nullable(),
  phrases: phrases.nullable().default(null),
  /** See `ModelInfo` in frame/model.ts. */
  tracking: z.strictObject({
    memoryIntervalFrames: positiveInt,
    minMemoryIou: ratio,
    averageMemoryPass: z.boolean(),
    decodePromptTwice: z.boolean(),
    averageFlipPass: z.boolean().default(false),
    regionScale: z.number().min(1).nullable(),
    minPresence: ratio,
  }),
  keyframes: z.strictObject({
    minInterval: positiveInt,
    maxInterval: positiveInt,
    minConfidence: ratio,
  }),
  selfTest,
});

/** A checked manifest. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Name of an arithmetic that a graph's file may have. */
export type Precision = z.infer<typeof precision>;

/** All of them, the exact one first. */
export const precisionNames = precision.options;

/** What a graph of a model is for. */
export type GraphRole = keyof Manifest['graphs'];

/** One graph file with its tensors by meaning. */
export type GraphManifest = z.infer<typeof graph>;

/** A file of a model's folder. */
export type StoredFile = z.infer<typeof storedFile>;

/** The memory that a model keeps of each object. */
export type ObjectMemoryManifest = z.infer<typeof objectMemory>;

/** One tensor of a graph. */
export type TensorManifest = z.infer<typeof tensor>;

/** Points of a piecewise-linear calibration: raw score, expected IoU. */
export type Knots = z.infer<typeof knots>;

/** One noun that a phrase may name. */
export type VocabularyEntry = z.infer<typeof vocabularyEntry>;
