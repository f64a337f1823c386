import { expect, test } from 'vitest';
import type { Frame } from '../../../src/frame/frame.ts';
import type { DecodeRequest } from '../../../src/frame/ports.ts';
import { loadModel } from '../../../src/inference/load-model.ts';
import { conceptSide as side, writeConceptModel } from '../../fixtures/concept-model.ts';
import { paintFrame } from '../../fixtures/painted-frames.ts';

const { signal } = new AbortController();
const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };

/** Red on the left half, green on the right. */
function picture(): Frame {
  const size = { width: 32, height: 32 };
  return paintFrame(size, (x) => (x < 16 ? [81, 90, 240] : [145, 54, 34]));
}

test.each(['usls', 'samexporter'] as const)(
  '%s: a phrase finds all its instances',
  async (kind) => {
    await using folder = await writeConceptModel(kind);
    await using model = await loadModel({ ...folder, signal });
    using frame = picture();
    using features = await model.encode(frame, signal);
    const find = (phrase: string, maxObjects = 8) =>
      model.findText(features, { phrase, maxObjects, frame }, signal);
    expect(await find('Red')).toMatchObject([
      { box: { x: 0, y: 0, width: 0.5, height: 1 }, noun: 'Red' },
    ]);
    expect(await find('green')).toMatchObject([{ box: { x: 0.5, y: 0, width: 0.5, height: 1 } }]);
    expect(await find('visual')).toHaveLength(2);
    expect(await find('visual', 1)).toHaveLength(1);
    expect(await find('giraffe')).toEqual([]);
    expect(model.info.vocabulary).toEqual([]);
  },
);

test.each(['usls', 'samexporter'] as const)(
  '%s: a box, a click and a propagated mask each choose their instance',
  async (kind) => {
    await using folder = await writeConceptModel(kind);
    await using model = await loadModel({ ...folder, signal });
    using frame = picture();
    using features = await model.encode(frame, signal);
    const right = Float32Array.from({ length: side * side }, (_, i) => (i % side >= 9 ? 0.9 : 0.1));
    const requests: DecodeRequest[] = [
      { ...nothing, box: { x: 0.1, y: 0.1, width: 0.3, height: 0.8 } },
      { ...nothing, box: { x: 0.6, y: 0.1, width: 0.3, height: 0.8 } },
      { ...nothing, clicks: [{ x: 0.8, y: 0.5, label: 'positive' }] },
      { ...nothing, prior: right },
    ];
    const found = await model.decode(features, requests, signal);
    const isLeft = found.map(({ logits }) => logits[0]! > 0);
    expect(isLeft).toEqual([true, false, false, false]);
    for (const { presence, predictedIou } of found) {
      expect(presence).toBeGreaterThan(0.5);
      expect(predictedIou).toBeGreaterThan(0.5);
    }
  },
);

test('nothing to look for is nothing found', async () => {
  await using folder = await writeConceptModel('usls');
  await using model = await loadModel({ ...folder, signal });
  using frame = picture();
  using features = await model.encode(frame, signal);
  const [found] = await model.decode(
    features,
    [{ ...nothing, prior: new Float32Array(side * side) }],
    signal,
  );
  expect(found!.logits.every((logit) => logit < 0)).toBe(true);
  expect(found!.presence).toBe(0);
});

test.each<[string, string, Parameters<typeof writeConceptModel>[1]]>([
  ['no text encoder', 'phrases', (m) => delete m.graphs.textEncoder],
  ['no phrases', 'prompts.kinds', (m) => delete m.phrases],
  [
    'a tokenizer of another hash',
    'expected SHA-256',
    (m) => (m.phrases.tokenizer.sha256 = '0'.repeat(64)),
  ],
])('%s stops the load', async (_what, named, edit) => {
  await using folder = await writeConceptModel('usls', edit);
  await expect(loadModel({ ...folder, signal })).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining(named) as string,
  });
});
