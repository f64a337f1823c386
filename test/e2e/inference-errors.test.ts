import { readFile } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import { beforeAll, describe, expect, test } from 'vitest';
import { callOptions } from '../../bench/support/kserve/call-options.ts';
import { startMlserver } from '../../bench/support/kserve/mlserver.ts';
import { noTriton, startTriton } from '../../bench/support/kserve/triton.ts';
import type { ModelInferRequest } from '../../src/gen/kserve/open_inference.ts';
import { CallFailure, KserveClient } from '../../src/inference/engine/kserve/kserve-client.ts';
import { judge } from '../../src/inference/engine/kserve/retry-rule.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { inferenceServers, served, serveWith, tritonNote } from '../fixtures/inference-servers.ts';
import { readToEnd, runStream } from '../fixtures/run-stream.ts';

const limits = { deadlineMs: 20_000 };
const shape = [1, 3, 384, 384];
const name = 'maskstream-tiny-encoder';

/** A run of the encoder on a black picture, but for what is changed. */
function blackPicture(changes: Partial<ModelInferRequest> = {}): ModelInferRequest {
  return {
    modelName: name,
    modelVersion: '',
    id: '',
    inputs: [{ name: 'image', datatype: 'FP32', shape }],
    outputs: ['emb', 'f8', 'f4'].map((output) => ({ name: output })),
    rawInputContents: [Buffer.alloc(4 * 3 * 384 * 384)],
    ...changes,
  };
}

/** How a call ended: OK, or its status, and what the rule makes of it. */
async function endOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (reason) {
    if (!(reason instanceof CallFailure)) throw reason;
    return `${status[reason.code]}: ${judge(reason)}`;
  }
}

const wrong = {
  'another model': blackPicture({ modelName: 'nope' }),
  'another shape': blackPicture({
    inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 3, 2] }],
  }),
  'too few bytes': blackPicture({ rawInputContents: [Buffer.alloc(48)] }),
  'another type': blackPicture({ inputs: [{ name: 'image', datatype: 'INT64', shape }] }),
};

/** What docs/scaling.md says of each server. */
const expected = {
  Triton: {
    'another model': ['NOT_FOUND: gone'],
    'another shape': ['INVALID_ARGUMENT: refused'],
    'too few bytes': ['INVALID_ARGUMENT: refused'],
    'another type': ['INVALID_ARGUMENT: refused'],
    deadline: ['DEADLINE_EXCEEDED: slow'],
    'in flight at SIGTERM': ['OK'],
    'new after SIGTERM': ['NOT_FOUND: gone', 'UNAVAILABLE: gone'],
    'in flight at SIGKILL': ['UNAVAILABLE: gone'],
    'new after SIGKILL': ['UNAVAILABLE: gone'],
  },
  MLServer: {
    'another model': ['NOT_FOUND: gone'],
    'another shape': ['INTERNAL: odd'],
    'too few bytes': ['INTERNAL: odd'],
    'another type': ['INTERNAL: odd'],
    deadline: ['DEADLINE_EXCEEDED: slow'],
    'in flight at SIGTERM': ['INTERNAL: odd', 'UNAVAILABLE: gone', 'CANCELLED: odd'],
    'new after SIGTERM': ['INTERNAL: odd', 'UNAVAILABLE: gone', 'CANCELLED: odd'],
    'in flight at SIGKILL': ['UNAVAILABLE: gone'],
    'new after SIGKILL': ['UNAVAILABLE: gone'],
  },
};

describe.each(inferenceServers)('$name', ({ name: server, skipped, start }) => {
  const title = skipped === null ? '' : ` (${skipped})`;

  test.skipIf(skipped !== null)(
    `each error has its status, and each status its verdict${title}`,
    async () => {
      const wanted = expected[server];
      const found: Record<string, string> = {};
      {
        await using running = await start({ models: [served('encoder')] });
        const client = new KserveClient(running.address, callOptions);
        for (const [what, request] of Object.entries(wrong)) {
          found[what] = await endOf(client.infer(request, limits));
        }
        expect(await endOf(client.infer(blackPicture(), limits))).toBe('OK');
        await running.misbehave({ slow: 3 });
        found['deadline'] = await endOf(client.infer(blackPicture(), { deadlineMs: 500 }));
        const inFlight = endOf(client.infer(blackPicture(), limits));
        const ended = running.end('SIGTERM');
        // It is told on another connection that it ends, sooner or later.
        await expect
          .poll(() => endOf(client.serverReady({ deadlineMs: 500 })), { timeout: 10_000 })
          .not.toBe('OK');
        found['new after SIGTERM'] = await endOf(client.infer(blackPicture(), limits));
        found['in flight at SIGTERM'] = await inFlight;
        await ended;
        client.close();
      }
      {
        await using running = await start({ models: [served('encoder')] });
        const client = new KserveClient(running.address, callOptions);
        expect(await endOf(client.infer(blackPicture(), limits))).toBe('OK');
        await running.misbehave({ slow: 3 });
        const inFlight = endOf(client.infer(blackPicture(), limits));
        // It has the call when it answers the next one.
        await client.modelReady({ name, version: '' }, limits);
        await running.end('SIGKILL');
        found['in flight at SIGKILL'] = await inFlight;
        found['new after SIGKILL'] = await endOf(client.infer(blackPicture(), limits));
        client.close();
      }
      for (const [what, ends] of Object.entries(wanted)) {
        expect(ends, `${what}: ${found[what]}`).toContain(found[what]);
      }
    },
  );
});

test.skipIf(noTriton !== null)(
  `a message over the limit fails on either side, and the service says so at its start${tritonNote}`,
  async () => {
    await using server = await startTriton({ models: [served('encoder')] });
    const client = (mebibytes: number) =>
      new KserveClient(server.address, { ...callOptions, maxMessageBytes: mebibytes << 20 });
    // A picture is 1.77 MB, and its features 2.2 MB.
    for (const mebibytes of [1, 2]) {
      expect(await endOf(client(mebibytes).infer(blackPicture(), limits))).toBe(
        'RESOURCE_EXHAUSTED: refused',
      );
    }
    expect(await endOf(client(3).infer(blackPicture(), limits))).toBe('OK');
    await expect(
      serveWith([server], { MASKSTREAM_KSERVE_MAX_MESSAGE_MIB: '1' }),
    ).rejects.toMatchObject({
      code: 'model-load-failed',
      message: expect.stringContaining('RESOURCE_EXHAUSTED'),
    });
  },
);

const mlserver = inferenceServers[1];

test.skipIf(mlserver.skipped !== null)(
  `a message over the server's limit is refused there${mlserver.skipped === null ? '' : ` (${mlserver.skipped})`}`,
  async () => {
    await using server = await startMlserver({
      models: [served('encoder')],
      maxMessageBytes: 1 << 20,
    });
    const client = new KserveClient(server.address, callOptions);
    expect(await endOf(client.infer(blackPicture(), limits))).toBe('RESOURCE_EXHAUSTED: refused');
    client.close();
  },
);

describe('streams', () => {
  const prompt = { objectId: 1, box: { x: 40, y: 30, width: 60, height: 50 } };
  const everyFrame = { container: 'mpeg-ts', delivery: 'every-frame' } as const;
  let video: Buffer;

  beforeAll(async () => {
    const encode = `${encoders.h264} -g 10`;
    const frames = 40;
    video = await readFile(await makeClip({ encode, extension: 'ts', size: '160x120', frames }));
  });

  test.skipIf(noTriton !== null)(
    `a server that drains under four streams loses none of their frames to the other one${tritonNote}`,
    async () => {
      await using a = await startTriton({ models: [served('encoder')] });
      await using b = await startTriton({ models: [served('encoder')] });
      await using service = await serveWith([a, b]);
      const undisturbed = await runStream(service.client.segmentVideo(everyFrame), video, [prompt]);
      const streams = [1, 2, 3, 4].map(() => {
        const stream = service.client.segmentVideo(everyFrame);
        let masks = 0;
        const outcome = readToEnd(stream, () => masks++);
        void stream.prompt(prompt);
        void stream.sendChunk(video).then(() => stream.end());
        return { outcome, masks: () => masks };
      });
      await expect
        .poll(() => streams.every(({ masks }) => masks() > 3), { timeout: 60_000 })
        .toBe(true);
      await a.end('SIGTERM');
      for (const { outcome } of streams) {
        const { failure, frames } = await outcome;
        expect(failure).toBeNull();
        expect(frames.map(({ objects }) => objects)).toEqual(
          undisturbed.frames.map(({ objects }) => objects),
        );
      }
    },
  );

  test.skipIf(noTriton !== null)(
    `a server that answers after two seconds is waited for; a wrong shape and NaN are errors${tritonNote}`,
    async () => {
      await using server = await startTriton({ models: [served('encoder')] });
      await using service = await serveWith([server]);
      const once = video.subarray(0, video.length / 3);
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
