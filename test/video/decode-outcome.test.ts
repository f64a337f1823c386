import { describe, expect, test } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { judgeOutcome, unsupportedCodec } from '../../src/video/decode-outcome.ts';
import { FfmpegLog } from '../../src/video/ffmpeg/log.ts';

const exited = { kind: 'exited', exitCode: 0 } as const;
const h264 = '[info]   Stream #0:0: Video: h264 (High), yuv420p, 320x180, 30 fps, 30 tbr';

function judge(said: {
  lines?: string[];
  exit?: Parameters<typeof judgeOutcome>[0]['exit'];
  pictures?: number;
  unfinished?: boolean;
  encrypted?: boolean;
  format?: Container;
}) {
  const log = new FfmpegLog('tag');
  for (const line of [h264, ...(said.lines ?? [])]) log.read(line);
  const { exit = exited, pictures = 9, unfinished = false, encrypted = false } = said;
  const ended = { exit, log, pictures, unfinished, encrypted };
  return judgeOutcome({ format: said.format ?? 'mp4', ...ended, maxFramePixels: 1000 });
}

function codeOf(said: Parameters<typeof judge>[0]): string {
  const outcome = judge(said);
  return outcome.kind === 'failed' ? outcome.error.code : outcome.kind;
}

describe('a stream with frames', () => {
  test('is complete where ffmpeg ended in order, whatever it complained of', () => {
    expect(codeOf({})).toBe('complete');
    expect(codeOf({ lines: ['[h264 @ 0x1] [error] concealing 20 DC errors'] })).toBe('complete');
  });

  test('is truncated where its bytes end within something, or ffmpeg says so', () => {
    expect(codeOf({ unfinished: true })).toBe('truncated');
    expect(codeOf({ lines: ['[matroska @ 0x1] [error] File ended prematurely at pos. 9'] })).toBe(
      'truncated',
    );
    expect(judge({ unfinished: true })).toMatchObject({
      message: 'the mp4 stream ended early, after 9 frames',
    });
  });

  test('that ffmpeg gave up is undecodable from there on', () => {
    const exit = { kind: 'exited', exitCode: 69 } as const;
    expect(codeOf({ exit })).toBe('undecodable-video');
    // An early end explains the failure.
    expect(codeOf({ exit, unfinished: true })).toBe('truncated');
  });
});

describe('a stream without frames', () => {
  test('is undecodable, even where ffmpeg ended in order', () => {
    expect(codeOf({ pictures: 0 })).toBe('undecodable-video');
    expect(codeOf({ pictures: 0, unfinished: true })).toBe('undecodable-video');
  });

  test('whose bytes are scrambled is said to be encrypted', () => {
    expect(judge({ pictures: 0, encrypted: true })).toMatchObject({
      error: { message: 'expected mp4 video, got an encrypted stream: send it decrypted' },
    });
    expect(codeOf({ encrypted: true })).toBe('complete');
  });

  test('of a codec that we take, and this ffmpeg has no decoder for, is unsupported', () => {
    const lines = ['[vist#0:0/h264 @ 0x1] [error] Decoder (codec h264) not found for input stream'];
    expect(codeOf({ pictures: 0, lines })).toBe('unsupported-codec');
  });
});

test('a child that was killed is a failure of the decoder, not of the video', () => {
  const exit = { kind: 'killed', by: 'others', signal: 'SIGKILL' } as const;
  expect(codeOf({ exit, unfinished: true })).toBe('decoder-failed');
  expect(judge({ exit, pictures: 4 })).toMatchObject({
    error: { message: 'ffmpeg was ended by SIGKILL after 4 frames' },
  });
});

test('a frame that is too large is said before all else that broke in its wake', () => {
  const lines = ['[h264 @ 0x1] [error] Picture size 4000x3000 exceeds specified max pixel count 9'];
  expect(codeOf({ pictures: 0, lines, exit: { kind: 'exited', exitCode: 1 } })).toBe(
    'frame-too-large',
  );
});

test('what ffmpeg said is told by its first two lines and its last, without names of files', () => {
  const lines = [1, 2, 3, 4].map((n) => `[mov @ 0x1] [error] problem ${n} in file:/dev/fd/3`);
  const outcome = judge({ pictures: 0, lines });
  const message = outcome.kind === 'failed' ? outcome.error.message : '';
  expect(message).toContain('problem 1 in input');
  expect(message).toContain('problem 2 in input');
  expect(message).toContain('problem 4 in input');
  expect(message).not.toContain('problem 3');
  expect(message).not.toContain('/dev');
});

test('a codec outside of the list is named, and so is the list of its kind', () => {
  expect(unsupportedCodec('prores', 'mp4').message).toMatch(
    /^expected one of h264, .*got prores: convert the video$/,
  );
  expect(unsupportedCodec('gif', 'png').message).toBe(
    'expected one of mjpeg, png, webp, got gif: convert the picture',
  );
});
