import { afterEach, expect, test } from 'vitest';
import { settled } from '../fixtures/settled.ts';
import {
  click,
  isMasks,
  prompt,
  readAll,
  readUntil,
  TestSessions,
  type TestSession,
} from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const bounded = (maxUnseenFrames: number): TestSession =>
  sessions.open({ options: { maxUnseenFrames } });
const seen = (frameIndex: number) => ({ kind: 'seen', frameIndex }) as const;

afterEach(() => sessions.expectNothingLeft());

/** Reads a session beside what the test does: frames with their revision, as they come. */
function read(session: TestSession) {
  const frames: string[] = [];
  const ended = (async () => {
    for await (const event of session.events) {
      if (event.kind !== 'masks') continue;
      const { frameIndex, revision } = event.result;
      frames.push(`${frameIndex}.${revision}`);
    }
  })();
  return { frames, ended };
}

test('no more frames are answered than may be unseen, however much video there is', async () => {
  const session = bounded(2);
  const { frames, ended } = read(session);
  session.inputs
    .prompt(prompt(1, 0, click(20, 30)))
    .frames(12)
    .endOfVideo();
  await expect.poll(() => frames).toEqual(['0.0', '1.0']);
  session.inputs.push(seen(1));
  await expect.poll(() => frames).toEqual(['0.0', '1.0', '2.0', '3.0']);
  await settled();
  expect(frames).toHaveLength(4);
  session.inputs.end();
  await ended;
  expect(frames).toHaveLength(12);
});

test('a frame that was seen last can be corrected, though all of the video was sent', async () => {
  const session = bounded(4);
  const { frames, ended } = read(session);
  session.inputs
    .prompt(prompt(1, 0, click(20, 30)))
    .frames(40)
    .endOfVideo();
  for (let frame = 0; frame <= 20; frame++) session.inputs.push(seen(frame));
  await expect.poll(() => frames.at(-1)).toBe('24.0');
  session.inputs.prompt(prompt(1, 20, { action: 'refine', ...click(42, 30) }));
  await expect.poll(() => frames.slice(-5)).toEqual(['20.1', '21.1', '22.1', '23.1', '24.1']);
  session.inputs.end();
  await ended;
  expect(frames.at(-1)).toBe('39.0');
});

test('never more are ahead than are held', async () => {
  // Six frames are held in these tests.
  const session = bounded(1000);
  const { frames, ended } = read(session);
  session.inputs.frames(20).endOfVideo();
  await expect.poll(() => frames.length).toBe(6);
  await settled();
  expect(frames).toHaveLength(6);
  session.inputs.end();
  await ended;
});

test('a stream that is ended while it waits for its user leaves nothing behind', async () => {
  const session = bounded(1);
  session.inputs.frames(5).endOfVideo();
  await readUntil(session, isMasks(0));
  session.stop.abort();
  const { error } = await readAll(session);
  expect(error).toMatchObject({ code: 'cancelled' });
});
