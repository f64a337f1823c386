import { afterEach, describe, expect, test } from 'vitest';
import {
  CallFailed,
  connect,
  PromptRejected,
  type SegmentationClient,
} from '../../clients/typescript/index.ts';
import { plannedPrompt } from '../../src/calls/planned-prompt.ts';
import { runVideo, toPrompt, type VideoRun } from '../../src/calls/run-video.ts';
import type { AnsweredFrame } from '../../src/formats/answered-frame.ts';
import { decodeCocoRle } from '../../src/frame/coco-rle.ts';
import { SegmentationError } from '../../src/frame/errors.ts';
import { maskToBitmap } from '../../src/frame/mask.ts';
import { createServer, type MaskstreamServer, type OpenSession } from '../../src/server/index.ts';
import { readMask } from '../../src/server/mask-encoding/index.ts';
import {
  echoSession,
  infoEvent,
  masksEvent,
  scripted,
  scriptedModel,
  summaryEvent,
} from '../fixtures/scripted-session.ts';
import { drawn } from '../fixtures/small-masks.ts';
import { settled } from '../fixtures/settled.ts';

let server: MaskstreamServer | null = null;
let client: SegmentationClient | null = null;

afterEach(async () => {
  client?.close();
  await server?.close();
});

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield Uint8Array.of(index);
}

/** Runs three chunks and two prompts through a session, and keeps what came. */
async function run(open: OpenSession, changes: Partial<VideoRun> = {}) {
  server = createServer({ sessions: scripted(open), models: [scriptedModel] });
  client = connect(`127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}`);
  const frames: AnsweredFrame[] = [];
  const headers: unknown[] = [];
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const summary = await runVideo({
    client,
    config: { container: 'mp4', delivery: 'every-frame' },
    prompts: [plannedPrompt(1, 0, { prompts: { box } }), plannedPrompt(2, 1, { prompts: { box } })],
    video: chunks(3),
    onHeader: async (header) => void headers.push(header),
    onFrame: (frame) => void frames.push(frame),
    signal: new AbortController().signal,
    ...changes,
  });
  return { summary, frames, headers };
}

/** The session answers, and the call is over before the test is. */
async function expectNothingLive(): Promise<void> {
  await expect.poll(() => server?.activeStreams).toBe(0);
}

test('every frame comes once, in order, with its mask, and the summary at the end', async () => {
  const { summary, frames, headers } = await run(echoSession);
  expect(frames.map(({ frameIndex }) => frameIndex)).toEqual([0, 1, 2]);
  expect(frames[0]).toMatchObject({ source: 'keyframe', reason: 'prompt', totalUs: 7 });
  expect(frames[1]?.objects[0]).toMatchObject({ label: 'dog', area: 64, confidence: 0.5 });
  expect(frames[1]?.objects[0]?.mask.box).toEqual({ x: 0, y: 0, width: 8, height: 8 });
  expect(headers).toEqual([{ width: 64, height: 48, model: 'scripted', frameRate: 30 }]);
  expect(summary).toMatchObject({ framesIn: 3, framesOut: 3 });
});

test('all prompts are sent before the video', async () => {
  const kinds: string[] = [];
  const listening: OpenSession = async function* (inputs, options, model) {
    const heard = (async function* () {
      for await (const input of inputs) {
        kinds.push(input.kind);
        yield input;
      }
    })();
    yield* echoSession(heard, options, model);
  };
  await run(listening);
  expect(kinds.slice(0, 5)).toEqual(['prompt', 'prompt', 'chunk', 'chunk', 'chunk']);
});

test('the next frame waits until the one before is done with', async () => {
  let working = 0;
  let most = 0;
  await run(echoSession, {
    onFrame: async () => {
      most = Math.max(most, ++working);
      await settled();
      working--;
    },
  });
  expect(most).toBe(1);
});

const refusing: OpenSession = async function* (inputs, options) {
  yield infoEvent(options);
  for await (const input of inputs) {
    if (input.kind !== 'prompt') continue;
    const { requestId } = input.update;
    yield { kind: 'prompt-error', requestId, code: 'invalid-prompt', message: 'no such box' };
  }
  yield summaryEvent(0);
};

const failing: OpenSession = async function* (_, options) {
  yield infoEvent(options);
  yield summaryEvent(0);
  throw new SegmentationError('undecodable-video', 'expected mp4 video, found no frame');
};

const correcting: OpenSession = async function* (_, options) {
  yield infoEvent(options);
  yield masksEvent(0);
  yield masksEvent(0, 8, 1);
  yield summaryEvent(1);
};

describe('the run ends, with the first thing that failed,', () => {
  afterEach(expectNothingLive);

  test('when a prompt is refused', async () => {
    const failed = run(refusing);
    await expect(failed).rejects.toBeInstanceOf(PromptRejected);
    await expect(failed).rejects.toMatchObject({ code: 'invalid-prompt' });
  });

  test('when the server fails', async () => {
    const failed = run(failing);
    await expect(failed).rejects.toBeInstanceOf(CallFailed);
    await expect(failed).rejects.toMatchObject({ code: 'undecodable-video' });
  });

  test('when the video cannot be read, or its frames cannot be written', async () => {
    const broken = new Error('the disk is full');
    const fail = () => Promise.reject(broken);
    // eslint-disable-next-line require-yield -- it fails before its first chunk
    const unreadable = async function* (): AsyncGenerator<Uint8Array> {
      throw broken;
    };
    await expect(run(echoSession, { video: unreadable() })).rejects.toBe(broken);
    await expectNothingLive();
    await expect(run(echoSession, { video: unreadable })).rejects.toBe(broken);
    await expectNothingLive();
    await expect(run(echoSession, { onFrame: fail })).rejects.toBe(broken);
    await expectNothingLive();
    await expect(run(echoSession, { onHeader: fail })).rejects.toBe(broken);
  });

  test('when a frame is answered again: nothing here would take it', async () => {
    const failed = run(correcting, { prompts: [] });
    await expect(failed).rejects.toMatchObject({
      code: 'internal',
      message: 'expected each frame once, got frame 0 again',
    });
  });

  test('when it is aborted', async () => {
    const stop = new AbortController();
    const failed = run(echoSession, { signal: stop.signal, onFrame: () => stop.abort() });
    await expect(failed).rejects.toMatchObject({ status: 'CANCELLED' });
  });
});

describe('a planned prompt', () => {
  test('goes with everything that it says', () => {
    const mask = drawn('.##.', '####', '...#');
    const sent = toPrompt(
      plannedPrompt(4, 7, {
        action: 'refine',
        label: 'cat',
        prompts: { mask, points: [{ x: 1, y: 2, label: 'negative' }] },
      }),
    );
    expect(sent).toMatchObject({
      objectId: 4,
      action: 'refine',
      label: 'cat',
      at: { frameIndex: 7 },
      points: [{ x: 1, y: 2, label: 'negative' }],
    });
    const read = readMask(sent.mask!, { maxPixels: 100, maxBytes: 10_000 });
    expect(maskToBitmap(decodeCocoRle(read.counts, read.size))).toEqual(maskToBitmap(mask));
  });

  test('leaves out what it does not say', () => {
    const sent = toPrompt(plannedPrompt(4, 7, { at: { kind: 'next' } }));
    expect(Object.keys(sent).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'action',
      'objectId',
      'points',
    ]);
    const timed = toPrompt(plannedPrompt(4, 7, { at: { kind: 'timestamp', timestampUs: -3 } }));
    expect(timed.at).toEqual({ timestampUs: -3 });
  });
});
