import { createReadStream, writeFileSync } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { encoders, makeClip, systemFfmpeg, temporaryPath } from '../fixtures/encoded-clips.ts';
import { freePort } from '../../bench/support/free-port.ts';
import { type PublishedLine, startPublish } from '../fixtures/publish-run.ts';
import { startService } from '../fixtures/start-service.ts';

const prompts = temporaryPath('prompts.json');
writeFileSync(
  prompts,
  JSON.stringify({ version: 1, prompts: [{ object_id: 7, box: [100, 50, 80, 80] }] }),
);

/** A run to its end: its lines, and what it said. */
async function publish(words: readonly string[], stdin?: Readable) {
  await using run = startPublish([...words, '--prompts', prompts], stdin);
  return { code: await run.ended, lines: run.lines, stderr: run.stderr() };
}

const indices = (lines: readonly PublishedLine[]) => lines.map((line) => line.frame_index);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

afterEach(() => void vi.unstubAllEnvs());

describe('publish', () => {
  test.each([
    { extension: 'mp4', encode: encoders.h264Reordered },
    { extension: 'ts', encode: encoders.h264 },
    { extension: 'mkv', encode: encoders.hevc },
    { extension: 'avi', encode: encoders.mjpeg },
    { extension: 'h264', encode: encoders.h264 },
  ])('sends a file as it is: $extension', async (clip) => {
    await using server = await startService();
    const file = await makeClip(clip);
    const run = await publish(['--input', file, '--to', server.address]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).not.toContain('anew');
    expect(indices(run.lines)).toEqual(upTo(20));
    expect(run.lines[0]).toMatchObject({
      objects: [{ object_id: 7 }],
      capture_timestamp_us: null,
      capture_clock: null,
    });
  });

  test('answers a file as segment does', async () => {
    await using server = await startService();
    const file = await makeClip({ extension: 'mp4', encode: encoders.h264 });
    const published = await publish(['--input', file, '--to', server.address]);
    const segment = ['segment', file, '--prompts', prompts, '--server', server.address];
    const { stdout } = await captureCli([...segment, '--json', '--out', temporaryPath('out')]);
    const expected = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(published.lines).toHaveLength(20);
    published.lines.forEach((line, at) => expect(line).toMatchObject(expected[at]!));
  });

  test.each([
    { codec: 'vp8', extension: 'webm', encode: encoders.vp8 },
    { codec: 'mpeg4', extension: 'avi', encode: encoders.mpeg4 },
  ])('encodes a file of $codec anew, and says so', async ({ codec, ...clip }) => {
    await using server = await startService();
    const file = await makeClip(clip);
    for (const stdin of [null, createReadStream(file)]) {
      const words = ['--input', stdin === null ? file : '-', '--to', server.address];
      const run = await publish(words, stdin ?? undefined);
      expect(run).toMatchObject({ code: 0 });
      expect(run.stderr).toContain(`${codec} is encoded anew, as H.264 by ffmpeg`);
      expect(indices(run.lines)).toEqual(upTo(20));
      expect(run.lines.at(-1)?.timestamp_us).toBeGreaterThan(600_000);
    }
  });

  test('sends a codec as it is where there is no ffmpeg', async () => {
    await using server = await startService();
    vi.stubEnv('FFMPEG_PATH', '/nowhere/ffmpeg');
    const file = await makeClip({ extension: 'webm', encode: encoders.vp8 });
    const run = await publish(['--input', file, '--to', server.address]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).not.toContain('anew');
    expect(indices(run.lines)).toEqual(upTo(20));
  });

  test.each([
    { extension: 'mp4', encode: encoders.h264, clock: null },
    { extension: 'h264', encode: encoders.h264, clock: 'arrival' },
    { extension: 'mjpeg', encode: encoders.mjpeg, clock: 'arrival' },
  ] as const)('takes standard input: $extension', async ({ clock, ...clip }) => {
    await using server = await startService();
    const stdin = createReadStream(await makeClip(clip), { highWaterMark: 5000 });
    const words = ['--input', '-', '--to', server.address, '--frame-rate', '30'];
    const run = await publish(words, stdin);
    expect(run).toMatchObject({ code: 0 });
    expect(indices(run.lines)).toEqual(upTo(20));
    expect(new Set(run.lines.map((line) => line.capture_clock))).toEqual(new Set([clock]));
  });

  test('asks for the frame rate of raw pictures that do not say it and come at once', async () => {
    await using server = await startService();
    const stdin = createReadStream(await makeClip({ extension: 'mjpeg', encode: encoders.mjpeg }));
    const run = await publish(['--input', '-', '--to', server.address], stdin);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('expected --frame-rate: this mjpeg does not say');
  });

  test('sends a file at its own pace', async () => {
    await using server = await startService();
    const clip = { extension: 'mp4', encode: encoders.h264Reordered, frames: 45 };
    const startedAtMs = performance.now();
    const words = ['--input', await makeClip(clip), '--to', server.address, '--realtime'];
    const run = await publish(words);
    expect(run).toMatchObject({ code: 0 });
    expect(indices(run.lines)).toEqual(upTo(45));
    expect(run.lines.map((line) => line.timestamp_us)).toEqual(
      upTo(45).map((index) => Math.round((index * 1e6) / 30)),
    );
    // Its last picture is 44/30 s behind its first one, and cannot come before.
    expect(performance.now() - startedAtMs).toBeGreaterThan(1400);
  });

  test('leaves a silent pipe at once', async () => {
    await using server = await startService();
    const words = ['--to', server.address, '--prompts', prompts];
    const file = await makeClip({ extension: 'ts', encode: encoders.h264 });
    const stdin = new PassThrough();
    createReadStream(file).pipe(stdin, { end: false });
    await using run = startPublish(['--input', '-', ...words], stdin);
    await run.until(() => run.lines.length >= 10);
    expect(await run.stop()).toBe(1);
  });

  test('waits for a server, and gives a file up after the stated time', async () => {
    const port = await freePort();
    const file = await makeClip({ extension: 'mp4', encode: encoders.h264 });
    const words = ['--input', file, '--to', `127.0.0.1:${port}`];
    const alone = await publish([...words, '--give-up-after', '0.3']);
    expect(alone).toMatchObject({ code: 1, lines: [] });
    expect(alone.stderr).toContain('trying again');
    await using run = startPublish([...words, '--prompts', prompts]);
    await run.until(() => run.stderr().includes('trying again'));
    await using server = await startService({ MASKSTREAM_LISTEN: `127.0.0.1:${port}` });
    expect(server.address).toContain(String(port));
    expect(await run.ended).toBe(0);
    expect(indices(run.lines)).toEqual(upTo(20));
  });

  test('ends with 1 where its only server dies for good', async () => {
    const server = await startServerProcess(['--threads', '1']);
    const clip = { extension: 'mp4', encode: encoders.h264, frames: 300 };
    const words = ['--input', await makeClip(clip), '--to', server.address, '--realtime'];
    await using run = startPublish([...words, '--prompts', prompts, '--give-up-after', '1']);
    await run.until(() => run.lines.length >= 3);
    process.kill(server.pid, 'SIGKILL');
    expect(await run.ended).toBe(1);
    await server[Symbol.asyncDispose]();
  });

  test('ends with 1 for what is no video, and names it', async () => {
    const missing = await publish(['--input', temporaryPath('none.mp4'), '--to', '127.0.0.1:1']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain(
      'none.mp4: expected a file or a folder, got none of that name',
    );
    const picture = await makeClip({ extension: 'png', encode: '-c:v png', frames: 1 });
    const still = await publish(['--input', picture, '--to', '127.0.0.1:1']);
    expect(still.stderr).toContain('expected a video, got a picture');
    expect((await publish(['--input', prompts, '--to', '127.0.0.1:1'])).code).toBe(1);
  });
});

describe('publish from a device', () => {
  test('ends with 1 where it is not there for the stated time', async () => {
    const words = ['--input', '/dev/video97', '--to', '127.0.0.1:1', '--give-up-after', '2'];
    const run = await publish(words);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/trying again in \d+ ms/);
    expect(run.stderr).toContain('expected a camera at /dev/video97');
  });

  test('asks for an ffmpeg where there is none', async () => {
    vi.stubEnv('FFMPEG_PATH', '/nowhere/ffmpeg');
    const run = await publish(['--input', '/dev/video97', '--to', '127.0.0.1:1']);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('/dev/video97 is read through ffmpeg: expected one');
  });

  // No machine of the tests has a camera: an ffmpeg that makes pictures stands in for the one that
  // reads them.
  test('sends what ffmpeg reads, and goes on when it was unplugged', async () => {
    await using server = await startService();
    const standIn = temporaryPath('ffmpeg-with-a-camera');
    const source = 'testsrc2=s=320x180:r=10:d=1.5';
    writeFileSync(
      standIn,
      `#!/bin/sh
case " $* " in
  *" -version "*) exec ${systemFfmpeg.path} -version ;;
  *" -list_formats "*)
    echo '[video4linux2,v4l2 @ 0x1] Compressed:       mjpeg :          Motion-JPEG : 320x180' >&2
    exit 1 ;;
  *) exec ${systemFfmpeg.path} -loglevel error -re -f lavfi -i ${source} -c:v mjpeg -f mjpeg pipe:1 ;;
esac
`,
      { mode: 0o755 },
    );
    vi.stubEnv('FFMPEG_PATH', standIn);
    const words = ['--to', server.address, '--prompts', prompts];
    await using run = startPublish(['--input', '/dev/video0', ...words]);
    await run.until(() => run.lines.length >= 20);
    expect(run.stderr()).toContain('the camera was lost');
    expect(run.stderr().match(/followed by/g)).toHaveLength(1);
    expect(run.lines[0]).toMatchObject({ capture_clock: 'arrival', objects: [{ object_id: 7 }] });
    expect(await run.stop()).toBe(1);
  });
});
