import { expect, test } from 'vitest';
import type { PromptUpdate } from '../../../src/frame/prompt.ts';
import { InputReader, type VideoQueueing } from '../../../src/pipeline/intake/input-reader.ts';
import { settled } from '../../fixtures/settled.ts';
import { InputScript, prompt } from '../../fixtures/session-harness.ts';

function readerOf(inputs: InputScript, queueing?: VideoQueueing) {
  const told: unknown[] = [];
  const handlers = {
    onPrompt: ({ requestId }: PromptUpdate) => told.push(requestId),
    onSeen: (frameIndex: number) => told.push(`seen ${frameIndex}`),
    room: () => Promise.resolve(),
    onFailure: (reason: unknown) => told.push(reason),
    onEnd: () => told.push('end'),
  };
  const reader = new InputReader(inputs, handlers, queueing);
  return { reader, told };
}

test('prompts wait behind the chunks that were sent before them', async () => {
  const inputs = new InputScript();
  const first = prompt(1, 0);
  const second = prompt(2, 0);
  inputs.prompt(first).frames(2).prompt(second).end();
  const { reader, told } = readerOf(inputs);
  await settled();
  expect(told).toEqual([first.requestId]);
  const chunks = reader.chunks[Symbol.asyncIterator]();
  await chunks.next();
  await settled();
  expect(told).toEqual([first.requestId, second.requestId, 'end']);
  expect((await chunks.next()).done).toBe(false);
  expect((await chunks.next()).done).toBe(true);
});

test('ahead: prompts and what was seen do not wait behind video, within bounds', async () => {
  const inputs = new InputScript();
  const taken: number[] = [];
  const { reader, told } = readerOf(inputs, {
    kind: 'ahead',
    bounds: { maxBytes: 3 * 65_536, maxChunks: 256 },
    onTaken: (bytes) => taken.push(bytes),
  });
  const chunk = {
    kind: 'chunk',
    data: new Uint8Array(65_536),
    captureTimestampUs: null,
  } as const;
  const [first, second] = [prompt(1, 0), prompt(2, 0)];
  inputs.push(chunk, chunk, chunk).push({ kind: 'seen', frameIndex: 7 }).prompt(first);
  inputs.push(chunk).prompt(second);
  await settled();
  expect(told).toEqual(['seen 7', first.requestId]);
  expect(taken).toEqual([]);
  const chunks = reader.chunks[Symbol.asyncIterator]();
  await chunks.next();
  await settled();
  expect(told).toEqual(['seen 7', first.requestId, second.requestId]);
  await chunks.next();
  expect(taken).toEqual([65_536, 131_072]);
  reader.close();
});

test('ahead: small pieces of video are told of together', async () => {
  const inputs = new InputScript();
  const taken: number[] = [];
  const onTaken = (bytes: number) => void taken.push(bytes);
  const bounds = { maxBytes: 1 << 20, maxChunks: 256 };
  const { reader } = readerOf(inputs, { kind: 'ahead', bounds, onTaken });
  for (let piece = 0; piece < 100; piece++) {
    inputs.push({ kind: 'chunk', data: new Uint8Array(1000), captureTimestampUs: null });
  }
  inputs.end();
  for await (const chunk of reader.chunks) expect(chunk).toHaveLength(1000);
  expect(taken).toEqual([66_000]);
});

test('capture times are kept in order, and null is none', async () => {
  const inputs = new InputScript();
  for (const captureTimestampUs of [5, null, 6]) {
    inputs.push({ kind: 'chunk', data: Uint8Array.of(1), captureTimestampUs });
  }
  inputs.endOfVideo().end();
  const { reader } = readerOf(inputs);
  for await (const chunk of reader.chunks) expect(chunk).toHaveLength(1);
  expect([1, 2, 3].map(() => reader.takeCaptureTimestamp(null))).toEqual([5, 6, null]);
});

test('a failure is told once, and ends the chunks and the prompts', async () => {
  const broken = new Error('broken');
  const { reader, told } = readerOf(new InputScript().fail(broken));
  await settled();
  expect(told).toEqual([broken, 'end']);
  expect((await reader.chunks[Symbol.asyncIterator]().next()).done).toBe(true);
});

test('closing does not wait for a client that says nothing', async () => {
  const { reader, told } = readerOf(new InputScript());
  await settled();
  reader.close();
  reader.close();
  expect((await reader.chunks[Symbol.asyncIterator]().next()).done).toBe(true);
  expect(told).toEqual([]);
});

test('never: a client that says nothing holds back nobody', async () => {
  const { reader, told } = readerOf(new InputScript());
  await settled();
  expect(told).toEqual([]);
  expect(reader.takeCaptureTimestamp(null)).toBeNull();
  reader.close();
});

test('empty: a client that half-closes at once ends its video and its prompts', async () => {
  const { reader, told } = readerOf(new InputScript().end());
  for await (const chunk of reader.chunks) expect(chunk).toBeUndefined();
  expect(told).toEqual(['end']);
});

test('the end of the video lets prompts through that come after it', async () => {
  const inputs = new InputScript();
  const { reader, told } = readerOf(inputs);
  inputs.endOfVideo();
  expect((await reader.chunks[Symbol.asyncIterator]().next()).done).toBe(true);
  const late = prompt(1, 0);
  inputs.prompt(late).end();
  await settled();
  expect(told).toEqual([late.requestId, 'end']);
});

test('a client whose decoder left is read on, so that its prompts arrive', async () => {
  const inputs = new InputScript();
  const late = prompt(1, 0);
  inputs.frames(3).prompt(late).end();
  const { reader, told } = readerOf(inputs);
  const chunks = reader.chunks[Symbol.asyncIterator]();
  await chunks.next();
  await chunks.return?.();
  await settled();
  expect(told).toEqual([late.requestId, 'end']);
});

test('capture times that no frame takes are bounded', async () => {
  const inputs = new InputScript();
  for (let index = 0; index < 1500; index++) {
    inputs.push({ kind: 'chunk', data: Uint8Array.of(1), captureTimestampUs: index });
  }
  inputs.end();
  const { reader } = readerOf(inputs);
  for await (const chunk of reader.chunks) expect(chunk).toHaveLength(1);
  let held = 0;
  while (reader.takeCaptureTimestamp(null) !== null) held++;
  expect(held).toBe(1024);
});
