import { floatTensor, tensorOf, type Tensor } from '../engine/onnxruntime.ts';
import type { GraphPort as Graph } from '../engine/graph-port.ts';
import type { Graphs, LayoutFeatures } from './layout.ts';
import { readMap, type Bank } from './object-memory.ts';
import type { ObjectMemoryManifest } from '../manifest.ts';
import { floats } from '../engine/float-tensors.ts';

/** What attention needs besides the bank; made once a worker. */
export type AttentionParts = {
  readonly graphs: Graphs;
  readonly rules: ObjectMemoryManifest;
  /** float32[tokensPerMap, dim]: where a map's tokens lie; the same for every map. */
  readonly positions: Float32Array;
  /** float32[tokensPerMap, dim] for each row of the temporal table: those places at that time. */
  readonly timedPositions: readonly Float32Array[];
};

/** The embedding of a frame after attention to an object's bank: float32[1, channels, f, f]. */
export async function attendTo(
  bank: Bank,
  features: LayoutFeatures,
  parts: AttentionParts,
): Promise<Tensor> {
  const graph = parts.graphs.memoryAttention!;
  const feeds = { ...currentFrame(features, graph), ...(await bankTensors(bank, parts)) };
  const { embedding } = await graph.run(feeds);
  return embedding!;
}

/** The frame itself, as feature maps or as sequences, whichever the graph takes. */
function currentFrame(features: LayoutFeatures, graph: Graph): Record<string, Tensor> {
  const as = (meaning: string, from: string): Tensor => {
    const isSequence = graph.inputOf(meaning)?.shape.length === 3;
    const feature = features[from]!;
    return isSequence && feature.dims.length === 4 ? asSequence(feature) : feature;
  };
  const own = graph.hasInput('currentPrompted')
    ? { currentPrompted: as('currentPrompted', 'promptedEmbedding') }
    : { current: as('current', 'embedding') };
  return { ...own, currentPositions: as('currentPositions', 'positions') };
}

async function bankTensors(bank: Bank, parts: AttentionParts): Promise<Record<string, Tensor>> {
  switch (parts.rules.attention) {
    case 'dynamic':
      return await asLongAsItIs(bank, parts);
    case 'repeat-newest':
      return await filledUp(bank, parts);
    case 'masked-slots':
      return inSlots(bank, parts);
    case 'stacked':
      return await stacked(bank, parts);
  }
}

/** Maps and pointers apart, each as long as it is. */
async function asLongAsItIs(bank: Bank, parts: AttentionParts): Promise<Record<string, Tensor>> {
  const { dim } = parts.rules;
  const maps = mapTokens(bank, parts);
  const pointers = await pointerTokens(bank, parts);
  return {
    maps: sequence(maps.tokens, dim),
    mapPositions: sequence(maps.positions, dim),
    pointers: sequence(pointers.tokens, dim),
    pointerPositions: sequence(pointers.positions, dim),
  };
}

/**
 * Maps and pointers in one sequence of fixed length, filled up with the newest of each: an
 * approximation until the bank is full, since what is repeated counts that many times.
 */
async function filledUp(bank: Bank, parts: AttentionParts): Promise<Record<string, Tensor>> {
  const { dim, maps: mapCount, maxPointers } = parts.rules;
  const newestMap = bank.maps.at(-1)!;
  const newestPointer = bank.pointers.reduce((a, b) => (b.age < a.age ? b : a));
  const full: Bank = {
    maps: filled(bank.maps.slice(-mapCount), newestMap, mapCount),
    pointers: filled(bank.pointers.slice(0, maxPointers), newestPointer, maxPointers),
  };
  const maps = mapTokens(full, parts);
  const pointers = await pointerTokens(full, parts);
  return {
    memory: sequence(joined(maps.tokens, pointers.tokens), dim),
    memoryPositions: sequence(joined(maps.positions, pointers.positions), dim),
  };
}

/** Maps and pointers in slots, and a mask that says which are filled. */
function inSlots(bank: Bank, { rules, positions }: AttentionParts): Record<string, Tensor> {
  const { maps: mapCount, tokensPerMap, dim, maxPointers, tokensPerPointer } = rules;
  const length = tokensPerMap * dim;
  const width = dim * tokensPerPointer;
  const maps = new Float32Array(mapCount * length);
  const mapPositions = new Float32Array(mapCount * length);
  const rows = new Uint8Array(mapCount);
  const pointers = new Float32Array(maxPointers * width);
  const mask = new Uint8Array(mapCount * tokensPerMap + maxPointers * tokensPerPointer);
  bank.maps.slice(-mapCount).forEach(({ map, row }, slot) => {
    readMap(map, maps.subarray(slot * length, (slot + 1) * length));
    mapPositions.set(positions, slot * length);
    rows[slot] = row;
    mask.fill(1, slot * tokensPerMap, (slot + 1) * tokensPerMap);
  });
  bank.pointers.slice(0, maxPointers).forEach(({ pointer }, slot) => {
    pointers.set(pointer, slot * width);
    const from = mapCount * tokensPerMap + slot * tokensPerPointer;
    mask.fill(1, from, from + tokensPerPointer);
  });
  return {
    maps: floatTensor(maps, [1, mapCount, tokensPerMap, dim]),
    mapPositions: floatTensor(mapPositions, [1, mapCount, tokensPerMap, dim]),
    mapRows: tensorOf('int64', rows, [mapCount]),
    mask: tensorOf('bool', mask, [1, mask.length]),
    pointers: floatTensor(pointers, [1, maxPointers, width]),
  };
}

/** Maps as a batch of feature maps and pointers whole, with one sequence of places for both. */
async function stacked(bank: Bank, parts: AttentionParts): Promise<Record<string, Tensor>> {
  const { dim, tokensPerMap, tokensPerPointer } = parts.rules;
  const side = Math.sqrt(tokensPerMap);
  const length = tokensPerMap * dim;
  const maps = new Float32Array(bank.maps.length * length);
  bank.maps.forEach(({ map }, i) => readMap(map, maps.subarray(i * length, (i + 1) * length)));
  const pointers = joined(...bank.pointers.map(({ pointer }) => pointer));
  const places = mapTokens(bank, parts).positions;
  const pointerPlaces = (await pointerTokens(bank, parts)).positions;
  const oldest = Math.max(...bank.pointers.map(({ age }) => age));
  const all: Record<string, Tensor> = {
    maps: floatTensor(maps, [1, bank.maps.length, dim, side, side]),
    pointers: floatTensor(pointers, [1, bank.pointers.length, dim * tokensPerPointer]),
    memoryPositions: floatTensor(joined(places, pointerPlaces), [
      1,
      (places.length + pointerPlaces.length) / dim,
      dim,
    ]),
    age: floatTensor(Float32Array.of(oldest), []),
  };
  const graph = parts.graphs.memoryAttention!;
  return Object.fromEntries(Object.entries(all).filter(([meaning]) => graph.hasInput(meaning)));
}

type Tokens = { readonly tokens: Float32Array; readonly positions: Float32Array };

function mapTokens({ maps }: Bank, { rules, timedPositions }: AttentionParts): Tokens {
  const length = rules.tokensPerMap * rules.dim;
  const tokens = new Float32Array(maps.length * length);
  const positions = new Float32Array(maps.length * length);
  maps.forEach(({ map, row }, i) => {
    readMap(map, tokens.subarray(i * length, (i + 1) * length));
    positions.set(timedPositions[row]!, i * length);
  });
  return { tokens, positions };
}

/**
 * Each pointer as tokens of `dim`, all at the place of its age. In a stream ages count in fifteenths
 * (`maxPointers` - 1) from the first keyframe on; a pointer that is older goes beyond 1.
 */
async function pointerTokens(
  { pointers }: Bank,
  { graphs, rules }: AttentionParts,
): Promise<Tokens> {
  const { dim, tokensPerPointer, maxPointers } = rules;
  const tokens = joined(...pointers.map(({ pointer }) => pointer));
  const positions = new Float32Array(tokens.length);
  const graph = graphs.pointerPositions;
  if (graph !== undefined) {
    const ages = Float32Array.from(pointers, ({ age }) => age / (maxPointers - 1));
    const output = await graph.run({ ages: floatTensor(ages, [ages.length]) });
    const places = floats(output['positions']!);
    pointers.forEach((_, i) => {
      const place = places.subarray(i * dim, (i + 1) * dim);
      for (let token = 0; token < tokensPerPointer; token++) {
        positions.set(place, (i * tokensPerPointer + token) * dim);
      }
    });
  }
  return { tokens, positions };
}

/** float32[1, channels, rows, columns] as float32[rows * columns, 1, channels]. */
function asSequence(map: Tensor): Tensor {
  const [, channels = 1, rows = 1, columns = 1] = map.dims;
  const plane = rows * columns;
  const values = floats(map);
  const out = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let cell = 0; cell < plane; cell++) {
      out[cell * channels + channel] = values[channel * plane + cell]!;
    }
  }
  return floatTensor(out, [plane, 1, channels]);
}

function sequence(values: Float32Array, dim: number): Tensor {
  return floatTensor(values, [values.length / dim, 1, dim]);
}

function filled<T>(some: readonly T[], last: T, count: number): T[] {
  return Array.from({ length: count }, (_, i) => some[i] ?? last);
}

function joined(...parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
