import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { yieldProcessor } from '../../../src/video/ffmpeg/yield-processor.ts';
import { createDecoder, createImageDecoder } from '../../../src/video/index.ts';
import {
  childIds,
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

test('so is one of a picture, of which some kilobytes may cost it many seconds', async () => {
  const decode = createImageDecoder({ ffmpeg: systemFfmpeg });
  const ending = new AbortController();
  const options = {
    container: 'mjpeg',
    frameRate: null,
    signal: ending.signal,
    yields: true,
  } as const;
  const decoding = (async () => {
    for await (const event of decode(chunksOf(manyScans(20_000)), options)) {
      if (event.kind === 'frame') event.frame.close();
    }
  })().catch(() => undefined);
  await expect
    .poll(() => (childIds().length === 0 ? null : getPriority(onlyDecoderId())), { timeout: 5000 })
    .toBe(10);
  ending.abort(new Error('enough was seen'));
  await decoding;
});

/** A part of a JPEG. */
function part(marker: number, ...body: number[]): Buffer {
  return Buffer.of(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body);
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

/** A grey JPEG of 4096 x 4096 that says again and again that its 262,144 blocks have nothing more. */
function manyScans(scans: number): Buffer {
  const blocks = 512 * 512;
  // One code of one bit: runs of 16,384 blocks, each followed by 14 bits.
  const run = Buffer.concat([part(0xda, 1, 1, 0, 1, 63, 0), Buffer.alloc((blocks / 16_384) * 2)]);
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    part(0xdb, 0, ...zeros(64).map(() => 1)),
    part(0xc2, 8, 16, 0, 16, 0, 1, 1, 0x11, 0),
    part(0xc4, 0x00, 1, ...zeros(15), 0),
    part(0xc4, 0x10, 1, ...zeros(15), 0xe0),
    part(0xda, 1, 1, 0, 0, 0, 0),
    Buffer.alloc(blocks / 8),
    ...Array.from({ length: scans }, () => run),
    Buffer.of(0xff, 0xd9),
  ]);
}

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
