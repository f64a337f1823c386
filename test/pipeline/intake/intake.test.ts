import { equal } from 'node:assert/strict';
import { afterEach, expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import type { PromptUpdate } from '../../../src/frame/prompt.ts';
import { Intake, type IntakeSession } from '../../../src/pipeline/intake/intake.ts';
import type { ScheduledItem } from '../../../src/pipeline/intake/schedule-frames.ts';
import type { SessionOptions } from '../../../src/pipeline/session-types.ts';
import { fakeDecode, movingSquare, type DecodeTrouble } from '../../fixtures/fake-video.ts';
import { click, InputScript, prompt, testLimits } from '../../fixtures/session-harness.ts';

const options: SessionOptions = {
  container: 'mp4',
  delivery: 'every-frame',
  overlap: 'disjoint',
  keyframes: { kind: 'fixed', intervalFrames: 5 },
  frameRate: null,
  expectedSize: { width: null, height: null },
  maskLongSide: null,
  resume: null,
  limits: testLimits,
  signal: new AbortController().signal,
  goingAway: null,
};

/** An intake with all that it hands over and says. */
function open({
  trouble,
  session = {},
  delivery = 'every-frame',
}: {
  readonly trouble?: DecodeTrouble;
  readonly session?: Partial<IntakeSession>;
  readonly delivery?: SessionOptions['delivery'];
} = {}) {
  const inputs = new InputScript();
  const watch = { framesDecoded: 0, mostAlive: 0, ended: false };
  const items: ScheduledItem[] = [];
  const corrections: PromptUpdate[] = [];
  const failures: unknown[] = [];
  const ended = { items: false, corrections: false };
  const intake = new Intake(
    inputs,
    { ...options, delivery },
    { decode: fakeDecode(movingSquare, watch, trouble), nowMs: () => performance.now() },
    {
      accept: () => 'held',
      needsNextFrame: () => false,
      countFrames: () => undefined,
      seen: () => undefined,
      endOfPrompts: () => undefined,
      taken: () => undefined,
      prefetch: () => undefined,
      room: () => Promise.resolve(),
      onFailure: (reason) => failures.push(reason),
      ...session,
    },
  );
  intake.items$.subscribe({
    next: (item) => items.push(item),
    complete: () => (ended.items = true),
  });
  intake.corrections$.subscribe({
    next: (update) => corrections.push(update),
    complete: () => (ended.corrections = true),
  });
  return { inputs, intake, items, corrections, failures, ended, watch };
}

afterEach(() => equal(liveFrames(), 0));

test.each(['every-frame', 'latest'] as const)(
  'in %s an item is handed over each time it is asked for, and no more',
  async (delivery) => {
    const { inputs, intake, items, ended } = open({ delivery });
    inputs.frames(2).end();
    intake.ask();
    await expect.poll(() => items.length).toBe(1);
    expect(ended.items).toBe(false);
    intake.ask();
    await expect.poll(() => items.length).toBe(2);
    intake.ask();
    await expect.poll(() => ended).toEqual({ items: true, corrections: true });
    // Nobody has begun them.
    await intake.close();
  },
);

test('an update is a correction where the session says so', async () => {
  const { inputs, intake, corrections, ended } = open({
    session: { accept: ({ objectId }) => (objectId === 2 ? 'correction' : 'held') },
  });
  inputs
    .prompt(prompt(1, 0, click(20, 20)))
    .prompt(prompt(2, 0, click(20, 20)))
    .end();
  await expect.poll(() => ended.corrections).toBe(true);
  expect(corrections.map(({ objectId }) => objectId)).toEqual([2]);
  await intake.close();
});

test('a broken video is told, and nothing more is waited for', async () => {
  const { inputs, intake, items, failures, ended } = open({
    trouble: { failAt: { frameIndex: 1, error: new Error('broken') } },
  });
  inputs.frames(3);
  intake.ask();
  await expect.poll(() => items.length).toBe(1);
  intake.ask();
  await expect.poll(() => ended).toEqual({ items: true, corrections: true });
  expect(failures).toMatchObject([{ message: 'broken' }]);
  await intake.close();
});

test('messages that break are told, and what came before is handed over', async () => {
  const { inputs, intake, items, failures, ended } = open();
  inputs.frames(1).fail(new Error('hung up'));
  intake.ask();
  await expect.poll(() => [items.length, ended.corrections]).toEqual([1, true]);
  expect(failures).toMatchObject([{ message: 'hung up' }]);
  await intake.close();
});

test('whoever begins an item owns its frame; close frees the others, more than once', async () => {
  const { inputs, intake, items, watch } = open();
  inputs.frames(4);
  intake.ask();
  intake.ask();
  await expect.poll(() => items.length).toBe(2);
  const [first] = items;
  intake.take(first!);
  intake.stop();
  await intake.close();
  await intake.close();
  expect(watch.ended).toBe(true);
  expect(liveFrames()).toBe(1);
  if (first?.kind === 'frame') first.frame.close();
});
