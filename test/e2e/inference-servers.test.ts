import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { noMlserver, startMlserver } from '../../bench/support/kserve/mlserver.ts';
import type { InferenceServer, ServedModel } from '../../bench/support/kserve/served-model.ts';
import { noTriton, startTriton } from '../../bench/support/kserve/triton.ts';
import { NoticeKind } from '../../src/gen/maskstream/v1/video_response.ts';
import type { DecodeRequest, Segmented } from '../../src/frame/ports.ts';
import { goldenPicture } from '../../src/inference/golden-picture.ts';
import {
  type KserveOptions,
  loadManifest,
  loadModel,
  type Manifest,
} from '../../src/inference/index.ts';
import type { LoadedModel } from '../../src/inference/index.ts';
import { packageRoot } from '../../src/package-root.ts';

import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { readToEnd, runStream } from '../fixtures/run-stream.ts';
import { startService } from '../fixtures/start-service.ts';

const directory = join(packageRoot(), 'models/maskstream-tiny');
const { signal } = new AbortController();
const unnamed = { name: null, version: null };

let manifest: Manifest;
let local: LoadedModel;

beforeAll(async () => {
  manifest = await loadManifest(directory);
  local = await loadModel({ directory, precision: 'fp32', signal });
});

afterAll(async () => {
  await local.close();
});

/** A graph of the embedded model for a server. */
function served(role: 'encoder' | 'decoder', changes: Partial<ServedModel> = {}): ServedModel {
  const graph = manifest.graphs[role];
  return { name: `${manifest.name}-${role}`, file: join(directory, graph.file), graph, ...changes };
}

type Traffic = { role: string; sentBytes: number; receivedBytes: number };

async function loadRemote(
  { address }: InferenceServer,
  models: KserveOptions['models'],
): Promise<{ model: LoadedModel; traffic: Traffic[] }> {
  const traffic: Traffic[] = [];
  const kserve = { tls: null, token: null, deadlineMs: 20_000, waitMs: 20_000, maxCalls: 4 };
  const model = await loadModel({
    directory,
    precision: 'fp32',
    kserve: { ...kserve, addresses: [address], models },
    onTraffic: (run) => traffic.push(run),
    signal,
  });
  return { model, traffic };
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

describe.each([
  { name: 'Triton', skipped: noTriton, start: startTriton },
  { name: 'MLServer', skipped: noMlserver, start: startMlserver },
])('$name', ({ skipped, start }) => {
  let server: InferenceServer;

  beforeAll(async () => {
    if (skipped === null) server = await start({ models: [served('encoder'), served('decoder')] });
  }, 120_000);

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  test.skipIf(skipped !== null)(
    `encoder and decoder there give what they give here, to 1e-3${skipped === null ? '' : ` (${skipped})`}`,
    { timeout: 60_000 },
    async () => {
      const { model, traffic } = await loadRemote(server, { encoder: unnamed, decoder: unnamed });
      await using remote = model;
      expect(remote.info.provider).toContain('encoder kserve, decoder kserve');
      expect(remote.info.selfTest.iou).toBeCloseTo(local.info.selfTest.iou, 3);
      const wanted = await segmentGolden(local);
      expect(difference(await segmentGolden(remote), wanted)).toBeLessThan(1e-3);
      const [encoded] = traffic.filter(({ role }) => role === 'encoder');
      expect(encoded!.sentBytes - 4 * 3 * 384 * 384).toBeLessThan(200);
    },
  );
});

/** What a title ends in where there is no Triton. */
const note = noTriton === null ? '' : ` (${noTriton})`;

test.skipIf(noTriton !== null)(
  `pictures as bytes and features as FP16 are a third of the bytes, for masks that hardly differ${note}`,
  { timeout: 120_000 },
  async () => {
    await using server = await startTriton({
      models: [served('encoder', { pixels: true, halfOutputs: true })],
    });
    const { model, traffic } = await loadRemote(server, { encoder: unnamed });
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
    const [{ sentBytes, receivedBytes }] = traffic as [Traffic];
    expect(sentBytes - 3 * 384 * 384).toBeLessThan(200);
    expect(receivedBytes - 2 * (192 * 24 * 24 + 64 * 48 * 48 + 32 * 96 * 96)).toBeLessThan(400);
  },
);

test.skipIf(noTriton !== null)(
  `keyframes that come together run together where the server has a batcher${note}`,
  { timeout: 120_000 },
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
  `a server with another model is an error that names the tensor${note}`,
  { timeout: 120_000 },
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

const serve = ({ address }: InferenceServer, waitSeconds = 60) =>
  startService({
    MASKSTREAM_KSERVE_ADDRESSES: address,
    MASKSTREAM_KSERVE_WAIT_SECONDS: String(waitSeconds),
  });

describe('streams', () => {
  const frames = 60;
  const prompt = { objectId: 1, box: { x: 40, y: 30, width: 60, height: 50 } };
  const everyFrame = { container: 'mpeg-ts', delivery: 'every-frame' } as const;
  const latest = { container: 'mpeg-ts', delivery: 'latest' } as const;
  let video: Buffer;

  beforeAll(async () => {
    const encode = `${encoders.h264} -g 10`;
    video = await readFile(await makeClip({ encode, extension: 'ts', size: '160x120', frames }));
  });

  test.skipIf(noTriton !== null)(
    `four streams outlive a server that is killed and started again${note}`,
    { timeout: 180_000 },
    async () => {
      const options = { models: [served('encoder')] };
      const first = await startTriton(options);
      await using service = await serve(first);
      const undisturbed = await runStream(service.client.segmentVideo(everyFrame), video, [prompt]);
      expect(undisturbed.failure).toBeNull();

      const half = video.length / 2;
      const streams = [everyFrame, everyFrame, latest, latest].map((config) => {
        const stream = service.client.segmentVideo(config);
        const seen = { masks: 0 };
        const outcome = readToEnd(stream, () => seen.masks++);
        return { stream, seen, outcome, asked: stream.prompt(prompt) };
      });
      for (const { stream } of streams) await stream.sendChunk(video.subarray(0, half));
      await Promise.all(streams.map(({ asked }) => asked));
      const live = streams.slice(2);
      await expect
        .poll(() => live.every(({ seen }) => seen.masks > 0), { timeout: 30_000 })
        .toBe(true);
      await first.end('SIGKILL');
      for (const { stream } of streams) await stream.sendChunk(video.subarray(half));
      for (const { stream } of streams) stream.end();
      // LATEST goes on meanwhile, with propagated masks; the others wait for their keyframes.
      const ended = await Promise.all(live.map(({ outcome }) => outcome));
      for (const { failure, frames: answered } of ended) {
        expect(failure).toBeNull();
        expect(answered.at(-1)!.frameIndex).toBeGreaterThan(frames - 5);
      }
      await using second = await startTriton({ ...options, port: first.port });
      for (const { outcome } of streams.slice(0, 2)) {
        const { failure, frames: answered } = await outcome;
        expect(failure).toBeNull();
        expect(answered.map(({ objects }) => objects)).toEqual(
          undisturbed.frames.map(({ objects }) => objects),
        );
      }
      expect(second.port).toBe(first.port);
    },
  );

  test.skipIf(noTriton !== null)(
    `in EVERY_FRAME a stream that no server answers in time ends with what to go on with${note}`,
    { timeout: 120_000 },
    async () => {
      const server = await startTriton({ models: [served('encoder')] });
      await using service = await serve(server, 1);
      // By itself the client goes on at the same server for a minute.
      using client = connect(service.address, { resume: false });
      const stream = client.segmentVideo(everyFrame);
      let masks = 0;
      const outcome = readToEnd(stream, () => masks++);
      const asked = stream.prompt(prompt);
      await stream.sendChunk(video.subarray(0, video.length / 2));
      await asked;
      await expect.poll(() => masks, { timeout: 20_000 }).toBeGreaterThan(3);
      await server.end('SIGKILL');
      await stream.sendChunk(video.subarray(video.length / 2));
      stream.end();
      const { failure, notices, summary } = await outcome;
      expect(failure).toMatchObject({ status: 'UNAVAILABLE', code: 'inference-unavailable' });
      expect(notices.at(-1)).toMatchObject({
        kind: NoticeKind.NOTICE_KIND_GOING_AWAY,
        resume: { objects: [expect.objectContaining({ objectId: 1 })] },
      });
      expect(summary).not.toBeNull();
    },
  );

  test.skipIf(noTriton !== null)(
    `a server that answers after two seconds is waited for; a wrong shape and NaN are errors${note}`,
    { timeout: 120_000 },
    async () => {
      await using server = await startTriton({ models: [served('encoder')] });
      await using service = await serve(server);
      const once = video.subarray(0, video.length / 4);
      const run = () => runStream(service.client.segmentVideo(everyFrame), once, [prompt]);
      await server.misbehave({ slow: 2 });
      expect((await run()).failure).toBeNull();
      await server.misbehave({ shape: true });
      expect((await run()).failure).toMatchObject({
        status: 'INTERNAL',
        message: expect.stringContaining('output emb: expected FP32 [1,192,24,24], got'),
      });
      await server.misbehave({ nan: true });
      expect((await run()).failure).toMatchObject({
        status: 'INTERNAL',
        message: expect.stringContaining('output emb: expected finite values, got others'),
      });
      await server.misbehave({});
      expect((await run()).failure).toBeNull();
    },
  );
});
