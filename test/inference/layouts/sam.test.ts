import { expect, test } from 'vitest';
import type { Frame } from '../../../src/frame/frame.ts';
import type { DecodeRequest } from '../../../src/frame/ports.ts';
import { loadModel } from '../../../src/inference/load-model.ts';
import type { LoadedModel } from '../../../src/inference/loaded-model.ts';
import { foreignModels, foreignSide as side, weights } from '../../fixtures/foreign-exports.ts';
import { writeForeignModel } from '../../fixtures/foreign-models.ts';
import { paintFrame } from '../../fixtures/painted-frames.ts';

const { signal } = new AbortController();
const names = Object.keys(foreignModels);
const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };
const box = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
const click = { x: 0.5, y: 0.5, label: 'positive' } as const;

/** Dark, with a light square in the middle half; twice as wide as high if asked. */
function picture(width = 32): Frame {
  return paintFrame({ width, height: 32 }, (x, y) => {
    const isInside = x >= width / 4 && x < (width * 3) / 4 && y >= 8 && y < 24;
    return [isInside ? 235 : 60, 128, 128];
  });
}

async function decode(model: LoadedModel, request: Partial<DecodeRequest>, width?: number) {
  using frame = picture(width);
  using features = await model.encode(frame, signal);
  const [found] = await model.decode(features, [{ ...nothing, ...request }], signal);
  return found!;
}

/** What the inputs of a run added to every logit, by a cell whose red is known. */
async function added(model: LoadedModel, request: Partial<DecodeRequest>): Promise<number> {
  const [one, two] = [await decode(model, request), await decode(model, { clicks: [click] })];
  return (one.logits[0]! - two.logits[0]!) * 1000;
}

function inside(logits: Float32Array): { readonly x: number; readonly y: number }[] {
  return [...logits.keys()]
    .filter((cell) => logits[cell]! > 0)
    .map((cell) => ({ x: cell % side, y: Math.floor(cell / side) }));
}

test.each(names)('%s: a box finds what is in it, whatever the scores say', async (name) => {
  await using folder = await writeForeignModel(name, (manifest) => {
    // The weights of coordinates would move the outline.
    manifest.selfTest.minIou = 0;
  });
  await using model = await loadModel({ ...folder, signal });
  const isBoxed = model.info.promptKinds.includes('box');
  const asked = isBoxed ? { box } : { clicks: [click] };
  const { logits, predictedIou } = await decode(model, asked);
  const spread = Math.max(...logits) - Math.min(...logits);
  expect(spread).toBeGreaterThan(1);
  // The first candidate is the one that agrees; its score is the lowest.
  expect(logits[8 * side + 8]!).toBeGreaterThan(logits[0]!);
  expect(predictedIou).toBeCloseTo(0.2, 5);
});

test.each(names)('%s: each kind of prompt changes the answer', async (name) => {
  await using folder = await writeForeignModel(name);
  await using model = await loadModel({ ...folder, signal });
  const prior = Float32Array.from({ length: side * side }, (_, i) => (i % side < 6 ? 0.9 : 0.1));
  const other = prior.map((value) => 1 - value);
  const answers = [
    await decode(model, { clicks: [click] }),
    await decode(model, { clicks: [{ ...click, x: 0.75 }] }),
    await decode(model, { clicks: [click, { ...click, x: 0.25, label: 'negative' }] }),
    await decode(model, { prior }),
    await decode(model, { prior: other }),
    ...(model.info.promptKinds.includes('box') ? [await decode(model, { box })] : []),
  ];
  const firsts = answers.map(({ logits }) => logits[0]!.toFixed(5));
  expect(new Set(firsts).size).toBe(firsts.length);
});

test('coordinates go in as pixels of the input, and corners with their labels', async () => {
  await using folder = await writeForeignModel('samexporter SAM 2');
  await using model = await loadModel({ ...folder, signal });
  const before = (0.5 + 0.5) * side * weights.points + 1 * weights.labels;
  const corners = (0.25 + 0.25 + 0.75 + 0.75) * side * weights.points + (2 + 3) * weights.labels;
  expect(await added(model, { box })).toBeCloseTo(corners - before, 1);
});

test('a lone click goes with one point of padding where the export wants it, a box without', async () => {
  await using folder = await writeForeignModel('official SAM');
  await using model = await loadModel({ ...folder, signal });
  const lone = side * weights.points + (1 - 1) * weights.labels;
  const corners = 2 * side * weights.points + (2 + 3) * weights.labels;
  expect(await added(model, { box })).toBeCloseTo(corners - lone, 1);
});

test('points of a fixed number are filled up', async () => {
  await using folder = await writeForeignModel('EfficientSAM');
  await using model = await loadModel({ ...folder, signal });
  const lone = side * weights.points + (1 - 5) * weights.labels;
  const corners = 2 * side * weights.points + (2 + 3 - 4) * weights.labels;
  expect(await added(model, { box })).toBeCloseTo(corners - lone, 1);
});

test('a box of its own goes in apart from the points, which may be none', async () => {
  await using folder = await writeForeignModel('transformers.js SAM 2.1');
  await using model = await loadModel({ ...folder, signal });
  const lone = side * weights.points + 1 * weights.labels;
  expect(await added(model, { box })).toBeCloseTo(2 * side * weights.box - lone, 1);
});

test('a picture that keeps its aspect is padded, and its mask comes back without the padding', async () => {
  await using folder = await writeForeignModel('official SAM');
  await using model = await loadModel({ ...folder, signal });
  const { logits } = await decode(model, { box }, 64);
  const bright = inside(logits.map((logit) => logit - (logits[0]! + logits[8 * side + 8]!) / 2));
  const columns = bright.map(({ x }) => x);
  const rows = bright.map(({ y }) => y);
  expect([Math.min(...columns), Math.max(...columns) + 1]).toEqual([4, 12]);
  expect([Math.min(...rows), Math.max(...rows) + 1]).toEqual([4, 12]);
});

test.each<[string, string, string, Parameters<typeof writeForeignModel>[1]]>([
  [
    'a box of its own without that route',
    'transformers.js SAM 2.1',
    'prompts.box',
    (m) => (m.prompts.box = { route: 'none' }),
  ],
  [
    'a feature that the encoder does not give',
    'samexporter SAM 2',
    'graphs.decoder.inputs.features8',
    (m) => {
      m.graphs.encoder.outputs.unusedMap = m.graphs.encoder.outputs.features8;
      delete m.graphs.encoder.outputs.features8;
    },
  ],
  [
    'a presence that no output says',
    'official SAM',
    'presence',
    (m) => (m.presence = { activation: 'sigmoid' }),
  ],
  [
    'two objects a run',
    'official SAM',
    'batching.kind',
    (m) => (m.batching = { kind: 'objects', maxObjects: 2 }),
  ],
])('%s stops the load', async (_what, name, named, edit) => {
  await using folder = await writeForeignModel(name, edit);
  await expect(loadModel({ ...folder, signal })).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining(named) as string,
  });
});
