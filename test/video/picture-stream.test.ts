import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { FfmpegLog } from '../../src/video/ffmpeg/log.ts';
import { allOf } from '../../src/video/picture-reader.ts';
import { PictureStream } from '../../src/video/picture-stream.ts';

const { signal: never } = new AbortController();

function open() {
  const stdout = new PassThrough();
  const log = new FfmpegLog('tag');
  log.read('[scale@tag @ 0x1] [verbose] w:2 h:2 fmt:yuv420p sar:1/1 -> w:2 h:2 fmt:yuv420p');
  const pictures = new PictureStream({
    stdout,
    log,
    maxQueued: 4,
    open: (note) => {
      const data = new Uint8Array(4);
      return { picture: note.pts, planes: [allOf(data)], discard: () => undefined };
    },
  });
  const note = (pts: number): void => {
    log.read(`[showinfo@tag @ 0x1] [info] n: 0 pts: ${pts} pts_time:0 pos: 0 fmt:x s:2x2 i:P`);
    pictures.pump();
  };
  return { stdout, pictures, note };
}

test('a picture waits for its note, which comes on another pipe', async () => {
  const { stdout, pictures, note } = open();
  stdout.write(Buffer.alloc(4));
  const first = pictures.next(never);
  note(7);
  expect(await first).toBe(7);
  stdout.end();
  expect(await pictures.next(never)).toBeNull();
});

test('a picture that no note can come for any more ends the stream, after those that had one', async () => {
  const { stdout, pictures, note } = open();
  note(7);
  stdout.end(Buffer.alloc(8));
  expect(await pictures.next(never)).toBe(7);
  const second = pictures.next(never);
  pictures.endNotes();
  await expect(second).rejects.toMatchObject({ code: 'decoder-failed' });
});

test('the memory of a read is freed once it was copied, a part of something else never', async () => {
  const { stdout, pictures, note } = open();
  note(7);
  note(8);
  const whole = Buffer.from(new Uint8Array(4).buffer);
  const part = Buffer.from(new ArrayBuffer(8), 2, 4);
  stdout.write(whole);
  expect(await pictures.next(never)).toBe(7);
  stdout.end(part);
  expect(await pictures.next(never)).toBe(8);
  expect([whole.length, part.length]).toEqual([0, 4]);
});
