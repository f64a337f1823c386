import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SegmentationError } from '../../frame/errors.ts';
import { inspectGraph, type GraphTensor } from '../engine/inspect-graph.ts';
import { manifestSchema, type GraphRole, type Manifest } from '../manifest.ts';
import {
  conceptConventions,
  conceptPrompts,
  phraseRules,
  tokenizerFile,
} from './concept-settings.ts';
import type { FamilySignature } from './family-signature.ts';
import {
  explainUnrecognised,
  recognise,
  type FoundGraph,
  type Recognised,
  type RecognisedGraph,
} from './recognise.ts';

/** A manifest that was written from what the graphs say of themselves. */
export type WrittenManifest = { readonly family: string; readonly manifest: Manifest };

/** What the files do not say. */
export type ManifestFacts = { readonly name: string; readonly licence: string };

/** Side of an encoder's input where the graph leaves it open: what all of these were trained on. */
const encoderSide = 1024;

/** Learned values beside the graphs, under the names that exporters give them. */
const constantsFile = 'constants.json';
const temporalKeys = ['memory_temporal_positional_encoding', 'temporalPositions'];
const noMemoryKeys = ['no_memory_embedding', 'noMemoryEmbedding'];

/**
 * Opens the graphs of a folder (and of `onnx/` in it), tells the family from their tensors, and writes
 * `manifest.json`. Scores are taken as they come, until `models calibrate` fits them.
 *
 * Throws `model-load-failed`, naming what every graph has, where no family fits.
 */
export async function writeManifest(
  directory: string,
  facts: ManifestFacts,
): Promise<WrittenManifest> {
  const found: FoundGraph[] = [];
  for (const file of await graphFiles(directory)) {
    found.push({ file, tensors: await inspectGraph(join(directory, file)) });
  }
  if (found.length === 0) throw failed(`expected .onnx files in ${directory}, got none`);
  const recognised = recognise(found);
  if (recognised === null) {
    const list = explainUnrecognised(found).map((line) => `\n  ${line}`);
    throw failed(`expected the graphs of a family that is served, got${list.join('')}`);
  }
  const graphs: Record<string, unknown> = {};
  for (const [role, graph] of Object.entries(recognised.graphs)) {
    const variants: Record<string, object> = {};
    for (const variant of graph.variants) {
      variants[variant.precision] = await describeGraph(directory, variant);
    }
    graphs[role] = {
      ...(await describeGraph(directory, graph)),
      ...(graph.precision === 'fp32' ? {} : { precision: graph.precision }),
      ...(graph.variants.length > 0 ? { variants } : {}),
    };
  }
  const settings = await settingsOf(directory, recognised);
  const parsed = manifestSchema.safeParse({ formatVersion: 2, ...facts, ...settings, graphs });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw failed(`${recognised.family.name}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const path = join(directory, 'manifest.json');
  await writeFile(path, `${JSON.stringify(parsed.data, null, 2)}\n`, { flag: 'wx' });
  return { family: recognised.family.name, manifest: parsed.data };
}

/** Graph files below a folder: full precision first, so that a variant never takes its place. */
async function graphFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of ['', 'onnx/']) {
    const names = await readdir(join(directory, folder)).catch((cause: unknown) => {
      if (folder !== '') return [];
      throw new SegmentationError('model-load-failed', `cannot read ${directory}`, { cause });
    });
    files.push(...names.filter((name) => name.endsWith('.onnx')).map((name) => folder + name));
  }
  return files.toSorted((a, b) => a.length - b.length || a.localeCompare(b));
}

async function describeGraph(directory: string, graph: RecognisedGraph): Promise<object> {
  const { file, inputs, outputs } = graph;
  const folder = dirname(file);
  const beside = await readdir(join(directory, folder));
  // `X.onnx.data`, `X.onnx_data`, `X.onnx_data_1`, `X.onnx.weights`.
  const data = beside.filter((name) => /^[._]/.test(name.slice(basename(file).length)));
  const mine = data.filter((name) => name.startsWith(basename(file)));
  const externalData = [];
  for (const name of mine) {
    externalData.push(await storedFile(directory, folder === '.' ? name : `${folder}/${name}`));
  }
  return {
    ...(await storedFile(directory, file)),
    externalData,
    inputs: named(inputs),
    outputs: named(outputs),
  };
}

/** An open side needs a name. */
function named(tensors: Readonly<Record<string, GraphTensor>>): Record<string, GraphTensor> {
  const entries = Object.entries(tensors).map(([meaning, { name, type, shape }]) => {
    const sides = shape.map((side, axis) => (side === '' ? `${meaning}${axis}` : side));
    return [meaning, { name, type, shape: sides }] as const;
  });
  return Object.fromEntries(entries);
}

/** Size and hash of a file, read in parts: weights may be larger than memory. */
async function storedFile(directory: string, file: string): Promise<object> {
  const path = join(directory, file);
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return { file, bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

async function settingsOf(directory: string, { family, graphs }: Recognised): Promise<object> {
  const image = shapeOf(graphs, 'encoder', 'inputs', 'image');
  const [height, width] = isChannelsLast(graphs) ? image : image.slice(-2);
  const logits = shapeOf(graphs, 'decoder', 'outputs', 'logits');
  const isTracker = family.layout === 'sam-memory';
  const concept = family.concept && conceptConventions(family.concept);
  // Instances of a phrase are no candidates of one object.
  const candidates = concept ? 1 : numberOr(logits.at(-3), 1);
  const slots = isTracker
    ? 64
    : numberOr(shapeOf(graphs, 'decoder', 'inputs', 'points').at(-2), 64);
  const [, memorySlots = 0] = graphs.decoder?.inputs['memoryMask']?.shape ?? [];
  return {
    layout: family.layout,
    preprocess: {
      width: numberOr(width, encoderSide),
      height: numberOr(height, encoderSide),
      fit: family.sam?.fit ?? 'stretch',
      colour: 'rgb',
      ...colours({ family, graphs }),
    },
    prompts: concept ? conceptPrompts : promptRules(family, slots),
    masks: {
      side: numberOr(logits.at(-1), 256),
      candidates,
      unambiguousPromptCandidate: 0,
      // Scores of others rank candidates badly, unless the family's own training says so.
      choice: family.sam !== undefined && candidates > 1 ? 'agreement' : 'score',
    },
    iou: {
      activation: concept?.activation ?? family.sam?.iou ?? 'none',
      calibration: [[0, 0] as const, [1, 1] as const],
    },
    presence: presenceRule(graphs, concept?.activation),
    phrases: concept ? await phraseSection(directory, graphs) : null,
    memory: { slots: numberOr(memorySlots, 0) },
    objectMemory: isTracker ? await memoryRules(directory, { family, graphs }) : null,
    batching: { kind: 'one' },
    refiner: refinerRules(graphs),
    text: null,
    tracking: {
      memoryIntervalFrames: isTracker ? 1 : 5,
      minMemoryIou: isTracker ? 0 : 0.5,
      averageMemoryPass: false,
      decodePromptTwice: false,
      averageFlipPass: false,
      regionScale: null,
      minPresence: 0.5,
    },
    keyframes: { minInterval: 2, maxInterval: 30, minConfidence: 0.5 },
    selfTest: {
      picture: 'ellipse',
      seed: 1,
      prompt: family.sam?.box === 'none' ? 'click' : 'box',
      minIou: 0.5,
    },
  };
}

/** Detectors without an output for it are as sure of an object as of its best instance. */
function presenceRule(graphs: Recognised['graphs'], detector?: 'none' | 'sigmoid'): object | null {
  if (detector !== undefined) return { activation: detector };
  return 'presence' in (graphs.decoder?.outputs ?? {}) ? { activation: 'sigmoid' } : null;
}

async function phraseSection(directory: string, graphs: Recognised['graphs']): Promise<object> {
  const stored = await storedFile(directory, tokenizerFile).catch(() => ({}));
  return await phraseRules(directory, { graphs }, stored);
}

function promptRules({ sam, layout }: FamilySignature, slots: number): object {
  const corners = { route: 'first-two-points', topLeftLabel: 2, bottomRightLabel: 3 };
  const box = sam === undefined || sam.box === 'corners' ? corners : { route: sam.box };
  return {
    kinds: sam?.box === 'none' ? ['points', 'mask'] : ['points', 'box', 'mask'],
    coordinates: sam?.coordinates ?? (layout === 'sam-memory' ? 'model-pixels' : 'normalised'),
    points: {
      slots,
      positiveLabel: 1,
      negativeLabel: 0,
      paddingLabel: -1,
      ...(sam?.padWithoutBox ? { padWithoutBox: true } : {}),
    },
    box,
  };
}

function colours({ family, graphs }: Recognised): object {
  if (family.concept) return conceptConventions(family.concept).colours;
  const inGraph = { mean: null, std: null };
  if (family.layout === 'maskstream') return { range: '0-255', ...inGraph };
  const rule = family.sam?.colours ?? 'normalised';
  if (rule === 'in-graph-0-1') return { range: '0-1', ...inGraph };
  if (rule === 'in-graph-where-channels-last' && isChannelsLast(graphs)) {
    return { range: '0-255', ...inGraph };
  }
  return normalisation(graphs);
}

/** Rows of pixels with their colours together: such encoders normalise in the graph. */
function isChannelsLast(graphs: Recognised['graphs']): boolean {
  const image = shapeOf(graphs, 'encoder', 'inputs', 'image');
  return image.length === 3 && image[0] !== 3;
}

const imageNet = { range: '0-1', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** SAM 3 (patches of 14 pixels) takes values around 0.5, SAM 2.1 and EdgeTAM ImageNet's statistics. */
function normalisation(graphs: Recognised['graphs']): object {
  const width = numberOr(shapeOf(graphs, 'encoder', 'inputs', 'image').at(-1), 0);
  const cells = numberOr(shapeOf(graphs, 'encoder', 'outputs', 'embedding').at(-1), 1);
  const isSam3 = width / cells === 14;
  return isSam3 ? { range: '0-1', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } : imageNet;
}

async function memoryRules(directory: string, { family, graphs }: Recognised): Promise<object> {
  const isStacked = family.attention === 'stacked';
  const constants = isStacked ? {} : await readConstants(directory);
  const key = (names: readonly string[]): string | null =>
    names.find((name) => name in constants) ?? null;
  const map = shapeOf(graphs, 'memoryEncoder', 'outputs', 'map');
  // A feature map, or a sequence of tokens.
  const dim = numberOr(isStacked ? map[1] : map.at(-1), 64);
  const tokens = isStacked
    ? numberOr(map[2], 64) * numberOr(map[3], 64)
    : map.find((side) => typeof side === 'number' && side !== 1 && side !== dim);
  const pointer = shapeOf(graphs, 'decoder', 'outputs', 'pointer');
  const isResampled = family.attention === 'masked-slots';
  return {
    maps: 7,
    // Its graph tells the age of one prompted keyframe alone.
    conditioningFrames: isStacked ? 1 : 4,
    tokensPerMap: numberOr(tokens, dim),
    dim,
    maxPointers: 16,
    tokensPerPointer: numberOr(pointer.at(-1), dim) / dim,
    values: isResampled ? 'float32' : 'bfloat16',
    attention: family.attention,
    constants: isStacked
      ? null
      : {
          ...(await storedFile(directory, constantsFile)),
          temporalPositions: isResampled ? null : key(temporalKeys),
          noMemoryEmbedding:
            'promptedEmbedding' in (graphs.encoder?.outputs ?? {}) ? null : key(noMemoryKeys),
        },
  };
}

async function readConstants(directory: string): Promise<Record<string, unknown>> {
  const path = join(directory, constantsFile);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    const message = `expected ${path} with the learned values that are in no graph, got none`;
    throw new SegmentationError('model-load-failed', message, { cause });
  }
}

function refinerRules({ refiner }: Recognised['graphs']): object | null {
  if (refiner === undefined) return null;
  const [, , side] = refiner.inputs['crop']!.shape;
  const [, rows, columns] = refiner.inputs['appearance']!.shape;
  return {
    cropSide: numberOr(side, 0),
    appearance: [numberOr(rows, 0), numberOr(columns, 0)],
    calibration: [[0, 0] as const, [1, 1] as const],
    maxConfidence: 0.95,
  };
}

function shapeOf(
  graphs: Recognised['graphs'],
  role: GraphRole,
  side: 'inputs' | 'outputs',
  meaning: string,
): readonly (number | string)[] {
  return graphs[role]?.[side][meaning]?.shape ?? [];
}

function numberOr(side: number | string | undefined, otherwise: number): number {
  return typeof side === 'number' ? side : otherwise;
}

function failed(message: string): SegmentationError {
  return new SegmentationError('model-load-failed', message);
}
