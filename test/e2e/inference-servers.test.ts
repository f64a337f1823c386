import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callOptions } from '../../bench/support/kserve/call-options.ts';
import type { InferenceServer } from '../../bench/support/kserve/served-model.ts';
import { noTriton, startTriton } from '../../bench/support/kserve/triton.ts';
import type { DecodeRequest, Segmented } from '../../src/frame/ports.ts';
import type { ServerCall } from '../../src/inference/engine/kserve/server-call.ts';
import { goldenPicture } from '../../src/inference/golden-picture.ts';
import {
  type KserveOptions,
  type LoadedModel,
  loadManifest,
  loadModel,
  type Manifest,
} from '../../src/inference/index.ts';
import { embedded, inferenceServers, served, tritonNote } from '../fixtures/inference-servers.ts';

const { signal } = new AbortController();
const unnamed = { name: null, version: null };

let manifest: Manifest;
let local: LoadedModel;

beforeAll(async () => {
  manifest = await loadManifest(embedded);
  local = await loadModel({ directory: embedded, precision: 'fp32', signal });
});

afterAll(async () => {
  await local.close();
});

async function loadRemote(
  { address }: InferenceServer,
  models: KserveOptions['models'],
): Promise<{ model: LoadedModel; calls: ServerCall[] }> {
  const calls: ServerCall[] = [];
  const model = await loadModel({
    directory: embedded,
    precision: 'fp32',
    kserve: { ...callOptions, addresses: [address], models },
    onServerCall: (call) => calls.push(call),
    signal,
  });
  return { model, calls };
}

/** The golden picture by a box, a click and a mask. */
async function segmentGolden(model: LoadedModel): Promise<Segmented[]> {
  const { frame, box } = goldenPicture(manifest.selfTest.seed);
  using picture = frame;
  using features = await model.encode(picture, signal);
  const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };
  const [byBox] = await model.decode(features, [{ ...nothing, box }], signal);
  const mask = byBox!.logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const clicks = [
    { x: box.x + box.width / 2, y: box.y + box.height / 2, label: 'positive' as const },
  ];
  const requests = [
    { ...nothing, clicks },
    { ...nothing, prior: mask, memory: [{ features, mask }] },
  ];
  return [byBox!, ...(await model.decode(features, requests, signal))];
}

/** Largest difference of logits and of IoU. */
function difference(found: readonly Segmented[], wanted: readonly Segmented[]): number {
  const differences = found.flatMap(({ logits, predictedIou }, i) => [
    Math.abs(predictedIou - wanted[i]!.predictedIou),
    ...logits.map((logit, at) => Math.abs(logit - wanted[i]!.logits[at]!)),
  ]);
  return differences.reduce((most, one) => Math.max(most, one), 0);
}

describe.each(inferenceServers)('$name', ({ skipped, start }) => {
  let server: InferenceServer;

  beforeAll(async () => {
    if (skipped === null) server = await start({ models: [served('encoder'), served('decoder')] });
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  test.skipIf(skipped !== null)(
    `encoder and decoder there give what they give here, to 1e-3${skipped === null ? '' : ` (${skipped})`}`,
    async () => {
      const { model, calls } = await loadRemote(server, { encoder: unnamed, decoder: unnamed });
      await using remote = model;
      expect(remote.info.provider).toContain('encoder kserve, decoder kserve');
      expect(remote.info.selfTest.iou).toBeCloseTo(local.info.selfTest.iou, 3);
      const wanted = await segmentGolden(local);
      expect(difference(await segmentGolden(remote), wanted)).toBeLessThan(1e-3);
      const [encoded] = calls.filter(({ graph }) => graph === 'encoder');
      expect(encoded!.sentBytes - 4 * 3 * 384 * 384).toBeLessThan(200);
    },
  );
});

test.skipIf(noTriton !== null)(
  `pictures as bytes and features as FP16 are a third of the bytes, for masks that hardly differ${tritonNote}`,
  async () => {
    await using server = await startTriton({
      models: [served('encoder', { pixels: true, halfOutputs: true })],
    });
    const { model, calls } = await loadRemote(server, { encoder: unnamed });
    await using remote = model;
    const found = await segmentGolden(remote);
    const wanted = await segmentGolden(local);
    const areas = [found, wanted].map((masks) =>
      masks.map(({ logits }) => logits.map((logit) => Number(logit > 0))),
    );
    const changed = areas[0]!.map(
      (mask, i) => mask.filter((inside, at) => inside !== areas[1]![i]![at]).length,
    );
    // Of 96 x 96 pixels.
    for (const pixels of changed) expect(pixels).toBeLessThan(10);
    const [{ sentBytes, receivedBytes }] = calls as [ServerCall];
    expect(sentBytes - 3 * 384 * 384).toBeLessThan(200);
    expect(receivedBytes - 2 * (192 * 24 * 24 + 64 * 48 * 48 + 32 * 96 * 96)).toBeLessThan(400);
  },
);

test.skipIf(noTriton !== null)(
  `keyframes that come together run together where the server has a batcher${tritonNote}`,
  async () => {
    const batches = { maxBatch: 4, maxQueueDelayUs: 1_000_000 };
    await using server = await startTriton({ models: [served('encoder', batches)] });
    const { model } = await loadRemote(server, { encoder: unnamed });
    await using remote = model;
    const { frame } = goldenPicture(manifest.selfTest.seed);
    using picture = frame;
    const encode = () => remote.encode(picture, signal);
    for (const features of await Promise.all([encode(), encode(), encode(), encode()])) {
      features.close();
    }
    const metrics = await (await fetch(server.metricsUrl)).text();
    const counted = (name: string) =>
      Number(new RegExp(`^${name}{.*} (\\d+)`, 'm').exec(metrics)![1]);
    // The self-test's, and four in one run.
    expect(counted('nv_inference_count')).toBe(5);
    expect(counted('nv_inference_exec_count')).toBe(2);
    expect(difference(await segmentGolden(remote), await segmentGolden(local))).toBeLessThan(1e-3);
  },
);

test.skipIf(noTriton !== null)(
  `a server with another model is an error that names the tensor${tritonNote}`,
  async () => {
    const { decoder } = manifest.graphs;
    await using server = await startTriton({
      models: [
        served('encoder', { graph: { ...manifest.graphs.encoder, outputs: decoder.outputs } }),
      ],
    });
    await expect(loadRemote(server, { encoder: unnamed })).rejects.toMatchObject({
      code: 'model-load-failed',
      message: `maskstream-tiny-encoder at ${server.address}: output emb: expected it, got logits, iou, obj`,
    });
    await expect(
      loadRemote(server, { encoder: { ...unnamed, name: 'other' } }),
    ).rejects.toMatchObject({
      code: 'model-load-failed',
      message: `expected a server that is ready, got ${server.address}: model other is not ready`,
    });
  },
);
