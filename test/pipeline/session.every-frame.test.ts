import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import { movingSquare, trueMask } from '../fixtures/fake-video.ts';
import {
  click,
  isMasks,
  maskOf,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

test('every frame is answered once, in order, and the masks follow the object', async () => {
  const session = open();
  session.inputs
    .prompt(prompt(1, 0, click(26, 30)))
    .frames(12)
    .end();
  const { results, error, summary, events } = await readAll(session);
  expect(error).toBeNull();
  expect(results.map(({ frameIndex }) => frameIndex)).toEqual([...Array(12).keys()]);
  for (const result of results) {
    const iou = maskIou(maskOf(result, 1), trueMask(movingSquare, result.frameIndex, 1));
    expect(iou, `frame ${result.frameIndex}`).toBeGreaterThan(0.8);
    expect(result.objects[0]!.state).toBe('visible');
  }
  expect(results.map(({ source }) => source === 'keyframe')).toEqual(
    results.map(({ frameIndex }) => frameIndex % 5 === 0),
  );
  expect(results.map(({ keyframeIndex }) => keyframeIndex)).toEqual(
    results.map(({ frameIndex }) => frameIndex - (frameIndex % 5)),
  );
  expect(summary).toMatchObject({ framesIn: 12, framesOut: 12, framesDropped: 0, keyframes: 3 });
  expect(events[0]!.kind).toBe('info');
  expect(session.segmenter.encoded).toEqual([0, 5, 10]);
});

test('the same input gives the same bits', async () => {
  const outcomes: unknown[] = [];
  for (let run = 0; run < 2; run++) {
    const session = open();
    session.inputs
      .prompt(prompt(1, 2, click(26, 30)))
      .frames(9)
      .end();
    const { results } = await readAll(session);
    outcomes.push(results.map((result) => ({ ...result, timings: null })));
  }
  expect(outcomes[0]).toEqual(outcomes[1]);
});

test('frames without any object are answered too', async () => {
  const session = open();
  session.inputs.frames(3).end();
  const { results, summary } = await readAll(session);
  expect(results.map(({ objects, source }) => [objects.length, source])).toEqual(
    Array.from({ length: 3 }, () => [0, 'propagated']),
  );
  expect(summary).toMatchObject({ keyframes: 0, encoderRuns: 0 });
});

test('a reader that does not read stops the decoder and the client', async () => {
  const session = open();
  session.inputs.frames(200).end();
  await readUntil(session, isMasks(0));
  // Everything that may happen without a reader happens within these turns of the event loop.
  for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { framesDecoded } = session.watch;
  expect(framesDecoded).toBeLessThan(14);
  expect(session.inputs.taken).toBeLessThan(framesDecoded + 4);
  const { results } = await readAll(session);
  expect(results.at(-1)!.frameIndex).toBe(199);
});

test('never more frames are alive than are held for corrections, and a few in work', async () => {
  const session = open();
  session.inputs.frames(60).end();
  await readAll(session);
  // Held: 6 and the one before; in work: 1; read ahead: 4.
  expect(session.watch.mostAlive).toBeLessThanOrEqual(12);
});

test('capture times go with the frames in the order in which they came', async () => {
  const session = open();
  for (const captureTimestampUs of [7_000, 8_000, 9_000]) {
    session.inputs.push({ kind: 'chunk', data: new Uint8Array(1), captureTimestampUs });
  }
  session.inputs.end();
  const { results } = await readAll(session);
  expect(results.map((result) => result.captureTimestampUs)).toEqual([7_000, 8_000, 9_000]);
});

test('warnings and a truncated end are told, and the summary says so', async () => {
  const session = open({ trouble: { warnAt: 1, truncated: true } });
  session.inputs.frames(2).end();
  const { events, summary, error } = await readAll(session);
  const told = events.map((event) => (event.kind === 'notice' ? event.notice : event.kind));
  expect(told).toEqual(['info', 'masks', 'decode-warning', 'masks', 'truncated-input', 'summary']);
  expect(summary!.truncated).toBe(true);
  expect(error).toBeNull();
});

test('another size than the announced one ends the stream before its first mask', async () => {
  const session = open({ options: { expectedSize: { width: 97, height: null } } });
  session.inputs.frames(2).end();
  const { results, error } = await readAll(session);
  expect(results).toEqual([]);
  expect(error).toMatchObject({ code: 'size-mismatch', message: 'expected 97 x any, got 96 x 64' });
});

test('two streams in one process leave each other alone', async () => {
  const a = open();
  const b = open();
  a.inputs
    .prompt(prompt(1, 0, click(26, 30)))
    .frames(6)
    .end();
  b.inputs.frames(6).end();
  const [first, second] = await Promise.all([readAll(a), readAll(b)]);
  expect(first.results.every(({ objects }) => objects.length === 1)).toBe(true);
  expect(second.results.every(({ objects }) => objects.length === 0)).toBe(true);
});
