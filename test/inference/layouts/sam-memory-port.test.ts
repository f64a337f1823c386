import { expect, test } from 'vitest';
import type { ObjectMemory } from '../../../src/frame/ports.ts';
import { cpu } from '../../../src/inference/engine/device.ts';
import { Graph } from '../../../src/inference/engine/graph.ts';
import { floatTensor } from '../../../src/inference/engine/onnxruntime.ts';
import type {
  Graphs,
  LayoutFeatures,
  MemoryPort,
  Recalled,
  RecallItem,
} from '../../../src/inference/layouts/layout.ts';
import { remember } from '../../../src/inference/layouts/object-memory.ts';
import { openSamMemory } from '../../../src/inference/layouts/sam-memory-port.ts';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import type { GraphRole, Manifest } from '../../../src/inference/manifest.ts';
import { readConstants } from '../../../src/inference/worker/constants.ts';
import {
  clipFrame,
  goldenOf,
  writeSmallModel,
  type Family,
  type SmallModelOptions,
} from '../../fixtures/small-models.ts';

/*
 * The host's rules against the original tracker: golden files hold what `transformers` says of the
 * same weights and frames.
 */

/** A model whose graphs run in this thread. */
type Opened = {
  readonly manifest: Manifest;
  readonly memory: MemoryPort;
  /** Features of frame `t` of the golden clip. */
  readonly encode: (t: number) => Promise<LayoutFeatures>;
};

async function open(family: Family, options: SmallModelOptions = {}): Promise<Opened> {
  await using folder = await writeSmallModel(family, options);
  const { directory } = folder;
  const manifest = await loadManifest(directory);
  const graphs: Graphs = {};
  for (const role of Object.keys(manifest.graphs) as GraphRole[]) {
    const graph = manifest.graphs[role];
    if (graph === undefined) continue;
    const opened = await Graph.open(graph, { directory, role, device: cpu, threads: 1 });
    graphs[role] = opened;
  }
  const constants = await readConstants(manifest, directory);
  const { width: side } = manifest.preprocess;
  return {
    manifest,
    memory: await openSamMemory(graphs, manifest, constants),
    encode: async (t) =>
      await graphs.encoder!.run({ image: floatTensor(clipFrame(side, t), [1, 3, side, side]) }),
  };
}

type Prompt = Pick<RecallItem, 'clicks' | 'box' | 'prior' | 'isGiven'>;

const nothing: Prompt = { clicks: [], box: null, prior: null, isGiven: false };
const click: Prompt = { ...nothing, clicks: [{ x: 0.3, y: 0.4, label: 'positive' }] };
const box: Prompt = { ...nothing, box: { x: 0.15, y: 0.25, width: 0.3, height: 0.3 } };

function disc(side: number): Prompt {
  const prior = Float32Array.from({ length: side * side }, (_, i) => {
    const x = (i % side) / side - 0.3;
    const y = Math.floor(i / side) / side - 0.4;
    return x * x + y * y < 0.15 ** 2 ? 1 : 0;
  });
  return { ...nothing, prior, isGiven: true };
}

function prompt(kind: string, side: number): Prompt {
  return kind === 'click' ? click : kind === 'box' ? box : disc(side);
}

type Track = { readonly frames: readonly number[]; readonly prompts: Record<number, Prompt> };

/** The model on its own from frame to frame. */
async function follow({ memory, encode }: Opened, { frames, prompts }: Track): Promise<Recalled[]> {
  const said: Recalled[] = [];
  let objectMemory: ObjectMemory | null = null;
  for (const [i, t] of frames.entries()) {
    const asked = { ...(prompts[i] ?? nothing), objectMemory };
    const step: Recalled = await memory.recall(await encode(t), asked);
    said.push(step);
    ({ objectMemory } = step);
  }
  return said;
}

function upTo(count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, i) => i * step);
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

function iou(a: Float32Array, b: Float32Array): number {
  let both = 0;
  let either = 0;
  a.forEach((value, i) => {
    if (value > 0 && b[i]! > 0) both++;
    if (value > 0 || b[i]! > 0) either++;
  });
  return either === 0 ? 1 : both / either;
}

/** Frame `t` of a golden array of one plane a frame. */
function planeOf(values: Float32Array, t: number, count: number): Float32Array {
  const length = values.length / count;
  return values.subarray(t * length, (t + 1) * length);
}

const families = ['sam2', 'edgetam', 'sam3'] as const;

for (const family of families) {
  test.each(['click', 'box', 'mask'])(
    `${family}: each step from the original's own state, prompted by a %s`,
    async (kind) => {
      const model = await open(family);
      const golden = await goldenOf(family);
      const [maps, pointers] = [golden(`${kind}/maps`), golden(`${kind}/pointers`)];
      const logits = golden(`${kind}/logits`);
      const scores = golden(`${kind}/scores`);
      let before: ObjectMemory | null = null;
      for (let t = 0; t < 10; t++) {
        const first = prompt(kind, model.manifest.preprocess.width);
        const asked = { ...(t === 0 ? first : nothing), objectMemory: before };
        const { found, objectMemory } = await model.memory.recall(await model.encode(t), asked);
        const isAnswer = kind === 'mask' && t === 0;
        // The original's score of a mask prompt is what it was set to.
        expect(Math.abs(found.presence! - scores[t]!)).toBeLessThanOrEqual(1e-3);
        const wanted = planeOf(logits, t, 10);
        expect(largestDifference(found.logits, wanted)).toBeLessThanOrEqual(isAnswer ? 1e-2 : 1e-3);
        const map = planeOf(maps, t, 10).slice();
        const pointer = planeOf(pointers, t, 10).slice();
        expect(largestDifference(objectMemory.traces.at(-1)!.pointer, pointer)).toBeLessThan(1e-3);
        before = remember(
          before,
          { prompted: t === 0, map, pointer },
          model.manifest.objectMemory!,
        );
      }
    },
  );

  test.each([
    ['a click, ten frames', 'click', { frames: upTo(10), prompts: { 0: click } }],
    ['a box, ten frames', 'box', { frames: upTo(10), prompts: { 0: box } }],
    ['a box, until bank and pointers overflow', 'long', { frames: upTo(25), prompts: { 0: box } }],
    ['a second prompt', 'second-prompt', { frames: upTo(10), prompts: { 0: click, 5: box } }],
    ['every fifth frame', 'every-fifth', { frames: upTo(10, 5), prompts: { 0: click } }],
  ])(`${family} on its own: %s`, async (_what, name, track: Track) => {
    const model = await open(family);
    const golden = await goldenOf(family);
    const logits = golden(`${name}/logits`);
    const said = await follow(model, track);
    said.forEach(({ found }, t) => {
      expect(iou(found.logits, planeOf(logits, t, said.length)), `frame ${t}`).toBeGreaterThan(
        0.99,
      );
    });
  });

  test(`${family} on its own: a mask prompt`, async () => {
    const model = await open(family);
    const golden = await goldenOf(family);
    const first = disc(model.manifest.preprocess.width);
    const said = await follow(model, { frames: upTo(10), prompts: { 0: first } });
    said.forEach(({ found }, t) => {
      const wanted = planeOf(golden('mask/logits'), t, 10);
      expect(iou(found.logits, wanted), `frame ${t}`).toBeGreaterThan(0.99);
    });
  });

  test(`${family}: an object that goes and comes back does so on the original's frames`, async () => {
    const model = await open(family, { absent: true });
    const golden = await goldenOf(family);
    const scores = golden('absent/scores');
    const said = await follow(model, { frames: upTo(25), prompts: { 0: box } });
    const present = said.map(({ found }) => found.presence! > 0);
    expect(present).toEqual([...scores].map((score) => score > 0));
    expect(new Set(present.slice(1)).size).toBe(2);
    said.forEach(({ found }, t) => {
      expect(found.logits.some((logit) => logit > 0)).toBe(present[t]);
      expect(iou(found.logits, planeOf(golden('absent/logits'), t, 25))).toBeGreaterThan(0.99);
    });
  });

  test(`${family}: each kind of prompt and the memory matter`, async () => {
    const model = await open(family);
    const features = await model.encode(1);
    const asked = async (request: Prompt, objectMemory: ObjectMemory | null) =>
      (await model.memory.recall(features, { ...request, objectMemory })).found.logits;
    const [known] = await follow(model, { frames: [0], prompts: { 0: box } });
    const other = await follow(model, { frames: [0], prompts: { 0: click } });
    const answers = [
      await asked(click, null),
      await asked(box, null),
      await asked(disc(128), null),
      await asked({ ...click, clicks: [{ x: 0.7, y: 0.7, label: 'positive' }] }, null),
      await asked({ ...box, clicks: [{ x: 0.3, y: 0.4, label: 'negative' }] }, null),
      await asked(nothing, known!.objectMemory),
      await asked(nothing, other[0]!.objectMemory),
      await asked(click, known!.objectMemory),
      // Taken away, the bank leaves the features alone.
      await asked(nothing, null),
    ];
    for (const [i, one] of answers.entries()) {
      for (const two of answers.slice(i + 1)) {
        expect(largestDifference(one, two)).toBeGreaterThan(1e-2);
      }
    }
  });
}

test('a bank of fixed length is exact once it is full, and an approximation before', async () => {
  const model = await open('sam2', { variant: 'repeat-newest' });
  const golden = await goldenOf('sam2');
  const said = await follow(model, { frames: upTo(25), prompts: { 0: box } });
  const differences = said.map(({ found }, t) =>
    largestDifference(found.logits, planeOf(golden('long/logits'), t, 25)),
  );
  expect(Math.max(...differences.slice(1, 6))).toBeGreaterThan(1e-2);
  expect(Math.max(...differences.slice(20))).toBeLessThan(2e-2);
});

test('a bank of masked slots is what one of dynamic length is', async () => {
  const model = await open('edgetam', { variant: 'masked-slots' });
  const golden = await goldenOf('edgetam');
  const said = await follow(model, { frames: upTo(25), prompts: { 0: box } });
  said.forEach(({ found }, t) => {
    expect(iou(found.logits, planeOf(golden('long/logits'), t, 25))).toBeGreaterThan(0.99);
  });
});

test('without its graph a mask prompt has the pointer of the box and points in it', async () => {
  const exact = await open('sam2');
  const sampled = await open('sam2', { edit: (manifest) => delete manifest.graphs.maskPrompt });
  const features = await exact.encode(0);
  const given = { ...disc(128), objectMemory: null };
  const [one, two] = [exact, sampled].map((model) => model.memory.recall(features, given));
  const [a, b] = [(await one!).objectMemory.traces[0]!, (await two!).objectMemory.traces[0]!];
  expect([...b.map!]).toEqual([...a.map!]);
  expect(largestDifference(a.pointer, b.pointer)).toBeGreaterThan(1e-2);
});
