import { expect, test } from 'vitest';
import { type VerifyStep, verifyModel } from '../../src/inference/verify-model.ts';
import { stackedGraphs, writeStackedModel } from '../fixtures/stacked-model.ts';
import { writeSmallModel, type Family, type Variant } from '../fixtures/small-models.ts';

const { signal } = new AbortController();

test.each([
  ['sam2', 'repeat-newest'],
  ['sam2', 'dynamic'],
  ['sam3', 'dynamic'],
  ['edgetam', 'masked-slots'],
] as const satisfies readonly [Family, Variant][])(
  '%s (%s) follows an object by memory alone over eight frames, and every graph is counted',
  async (family, variant) => {
    await using folder = await writeSmallModel(family, { variant });
    const { directory } = folder;
    const reference = await verifyModel({ directory, provider: 'cpu', signal });
    const { memory, places } = await verifyModel({ directory, provider: 'cpu', reference, signal });
    expect(memory).toHaveLength(8);
    expect(memory!.every(({ logits }) => logits.every(Number.isFinite))).toBe(true);
    // What it remembers makes a difference on each frame.
    expect(new Set(memory!.map(({ logits }) => logits.join())).size).toBe(8);
    const { graphs } = folder.manifest as { graphs: object };
    expect(Object.keys(places).toSorted()).toEqual(Object.keys(graphs).toSorted());
    for (const counts of Object.values(places)) {
      expect(counts).toEqual({ CPUExecutionProvider: expect.any(Number) });
    }
  },
);

test('NVIDIA’s export (stacked) follows an object by memory alone over eight frames', async () => {
  await using folder = await writeStackedModel();
  const { directory } = folder;
  const { memory, places } = await verifyModel({ directory, provider: 'cpu', signal });
  expect(memory).toHaveLength(8);
  expect(new Set(memory!.map(({ logits }) => logits.join())).size).toBe(8);
  expect(Object.keys(places).toSorted()).toEqual(Object.keys(stackedGraphs).toSorted());
});

test('memory that differs from the reference is seen on its worst frame', async () => {
  await using folder = await writeSmallModel('sam2');
  const { directory } = folder;
  const options = { directory, provider: 'cpu', signal } as const;
  const answer = await verifyModel(options);
  const same = await verifyModel({ ...options, reference: answer });
  expect(same.agreement).toMatchObject({ relativeError: 0, iou: 1 });
  expect(same.agreement!.memory).toEqual({ relativeError: 0, iou: 1 });
  const spoilt = answer.memory!.map((frame, t) =>
    t === 5 ? { ...frame, logits: frame.logits.map((value) => -value) } : frame,
  );
  const { agreement } = await verifyModel({ ...options, reference: { ...answer, memory: spoilt } });
  expect(agreement).toMatchObject({ relativeError: 0, iou: 1, memory: { relativeError: 2 } });
});

test('steps are told as they begin; a reference of fewer frames is followed over those alone', async () => {
  await using folder = await writeSmallModel('sam2');
  const { directory } = folder;
  const whole = await verifyModel({ directory, provider: 'cpu', countsPlaces: false, signal });
  expect(whole.places).toEqual({});
  const reference = { ...whole, memory: whole.memory!.slice(0, 3) };
  const steps: VerifyStep[] = [];
  const onStep = (step: VerifyStep) => steps.push(step);
  const options = { directory, provider: 'cpu', reference, onStep, signal } as const;
  const { memory, agreement } = await verifyModel(options);
  expect(memory).toHaveLength(3);
  expect(agreement!.memory).toEqual({ relativeError: 0, iou: 1 });
  expect(steps.map(({ done }) => done)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(steps.map(({ what }) => what.split(',')[0])).toEqual([
    'loading',
    'answer',
    ...Array.from({ length: 3 }, () => 'memory over 3 of 8 frames'),
    'where operators run',
    'done',
  ]);
  expect(steps.at(-1)).toMatchObject({ done: 6, total: 6 });
});
