import { expect, test } from 'vitest';
import { InputReader } from '../../../src/pipeline/intake/input-reader.ts';
import { settled } from '../../fixtures/settled.ts';
import { InputScript, prompt } from '../../fixtures/session-harness.ts';

function readerOf(inputs: InputScript) {
  const told: unknown[] = [];
  const reader = new InputReader(inputs, {
    onPrompt: ({ requestId }) => told.push(requestId),
    room: () => Promise.resolve(),
    onFailure: (reason) => told.push(reason),
    onEnd: () => told.push('end'),
  });
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
