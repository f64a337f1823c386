import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { yieldProcessor } from '../../../src/video/ffmpeg/yield-processor.ts';
import { createDecoder } from '../../../src/video/index.ts';
import {
  chunksOf,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  onlyDecoderId,
  systemFfmpeg,
} from '../../fixtures/encoded-clips.ts';

expectNothingLeft();

/** What the decoder has of the processor while it decodes: its own niceness and its session's. */
async function prioritiesOf(yields: boolean) {
  const encode = `${encoders.h264} -f matroska`;
  const clip = await readFile(await makeClip({ encode, extension: 'mkv', frames: 60 }));
  const options = { container: 'matroska', frameRate: null, signal: never, yields } as const;
  let seen: { readonly own: number; readonly session: string } | null = null;
  for await (const event of createDecoder({ ffmpeg: systemFfmpeg })(chunksOf(clip), options)) {
    if (event.kind !== 'frame') continue;
    event.frame.close();
    // It cannot end while frames wait to be taken.
    if (seen !== null) continue;
    const id = onlyDecoderId();
    seen = { own: getPriority(id), session: sessionOf(id) };
  }
  return seen;
}

function dividesBetweenSessions(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/sched_autogroup_enabled', 'latin1').trim() === '1';
  } catch {
    return false;
  }
}

/** `/autogroup-N nice K`; empty where Linux has no autogroups. */
function sessionOf(pid: number | 'self'): string {
  try {
    return readFileSync(`/proc/${pid}/autogroup`, 'latin1').trim();
  } catch {
    return '';
  }
}

// We are in none where no session was begun since the machine started.
const ours = sessionOf('self');
const hasOwnSession = systemFfmpeg.confinement.kind === 'sandbox' && dividesBetweenSessions();

test('a decoder that yields is nicer than we are, others are not', async () => {
  expect((await prioritiesOf(true))?.own).toBe(10);
  expect((await prioritiesOf(false))?.own).toBe(getPriority());
});

test.skipIf(!hasOwnSession)('so is its session, where it has one of its own', async () => {
  expect((await prioritiesOf(true))?.session).toMatch(/ nice 10$/);
  expect((await prioritiesOf(false))?.session).toMatch(/ nice 0$/);
  expect(sessionOf('self')).toBe(ours);
});

test('a child in our own session leaves the session as it is; one that is gone is no error', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  expect(yieldProcessor([child.pid!])).toBe(true);
  expect(getPriority(child.pid)).toBe(10);
  expect(sessionOf('self')).toBe(ours);
  child.kill();
  await once(child, 'exit');
  expect(yieldProcessor([child.pid!])).toBe(true);
});
