import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { startDoomedServers } from '../fixtures/doomed-servers.ts';
import { temporaryPath } from '../fixtures/encoded-clips.ts';
import { type PublishedLine, startPublish } from '../fixtures/publish-run.ts';
import { noRtspServer, startRtspServer, type TakenPicture } from '../fixtures/rtsp-server.ts';
import { startService } from '../fixtures/start-service.ts';

const ball = { rate: 10, gop: 5, size: '160x120' } as const;

function promptsFile(name = 'prompts', box: readonly number[] = [50, 40, 40, 40]): string {
  const file = temporaryPath(`${name}.json`);
  writeFileSync(file, JSON.stringify({ version: 1, prompts: [{ object_id: 7, box }] }));
  return file;
}

/** How far from a picture that the camera took, in microseconds, for lines by the camera's clock. */
function offBy(lines: readonly PublishedLine[], taken: readonly TakenPicture[]): number[] {
  return lines
    .filter(({ capture_clock: clock }) => clock === 'camera')
    .map(({ capture_timestamp_us: us }) =>
      Math.min(...taken.map(({ takenAtUs }) => Math.abs(takenAtUs - us!))),
    );
}

const indices = (lines: readonly PublishedLine[]) => lines.map((line) => line.frame_index);

function rises(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > numbers[at - 1]!);
}

describe.skipIf(noRtspServer !== null)(`publish ${noRtspServer ?? ''}`, () => {
  test.each(['h264', 'h265', 'mjpeg'] as const)(
    'answers a camera of %s with lines that have its own time',
    async (codec) => {
      await using camera = await startRtspServer({ ...ball, codec, audio: true });
      await using server = await startService();
      const words = ['--to', server.address, '--prompts', promptsFile(), '--masks'];
      await using run = startPublish(['--input', camera.url, ...words]);
      const timed = () => run.lines.filter(({ capture_clock: clock }) => clock === 'camera');
      await run.until(() => timed().length >= 10);
      expect(await run.stop()).toBe(1);
      expect(run.lines[0]).toMatchObject({ frame_index: 0, objects: [{ object_id: 7 }] });
      expect(run.lines[0]?.masks?.[0]).toMatchObject({ size: [120, 160] });
      expect(rises(indices(run.lines))).toBe(true);
      expect(Math.max(...offBy(run.lines, camera.taken))).toBeLessThan(20_000);
    },
  );

  test.each(['h264', 'mjpeg'] as const)('takes %s by UDP too', async (codec) => {
    await using camera = await startRtspServer({ ...ball, codec, pattern: 'snow' });
    await using server = await startService();
    const words = ['--to', server.address, '--prompts', promptsFile(), '--rtsp-transport', 'udp'];
    await using run = startPublish(['--input', camera.url, ...words]);
    await run.until(() => run.lines.length >= 15);
    expect(rises(indices(run.lines))).toBe(true);
    expect(run.stderr()).not.toContain('lost');
    expect(Math.max(0, ...offBy(run.lines, camera.taken))).toBeLessThan(20_000);
  });

  test('reaches its server over TLS, by the authority that is named, and not without it', async () => {
    await using camera = await startRtspServer(ball);
    const [certificate = '', key = ''] = ['certificate', 'key'].map((name) =>
      fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url)),
    );
    await using server = await startService({
      MASKSTREAM_TLS_CERT: certificate,
      MASKSTREAM_TLS_KEY: key,
    });
    const address = server.address.replace('127.0.0.1', 'localhost');
    const words = ['--input', camera.url, '--to', address, '--prompts', promptsFile()];
    await using run = startPublish([...words, '--ca', certificate]);
    await run.until(() => run.lines.length >= 5);
    await using stranger = startPublish([...words, '--tls', '--give-up-after', '0.5']);
    expect(await stranger.ended).toBe(1);
    expect(stranger.lines).toEqual([]);
  });

  test('ends with 1 where its only server dies for good', async () => {
    await using camera = await startRtspServer(ball);
    const server = await startServerProcess(['--threads', '1']);
    const words = ['--to', server.address, '--prompts', promptsFile(), '--give-up-after', '1'];
    await using run = startPublish(['--input', camera.url, ...words]);
    await run.until(() => run.lines.length >= 3);
    process.kill(server.pid, 'SIGKILL');
    expect(await run.ended).toBe(1);
    await server[Symbol.asyncDispose]();
  });

  test('goes on with the same objects when a camera that was cut is back', async () => {
    await using server = await startService();
    const camera = await startRtspServer(ball);
    const words = ['--to', server.address, '--prompts', promptsFile()];
    await using run = startPublish(['--input', camera.url, ...words]);
    await run.until(() => run.lines.length >= 5);
    await camera.kill();
    await run.until(() => run.stderr().includes('the camera was lost'));
    const before = run.lines.length;
    await using again = await startRtspServer({ ...ball, port: camera.port });
    await run.until(() => run.lines.length >= before + 5);
    expect(rises(indices(run.lines))).toBe(true);
    // One stream: its objects were not asked for again.
    expect(run.stderr().match(/followed by/g)).toHaveLength(1);
    expect(run.lines.at(-1)?.objects[0]?.object_id).toBe(7);
    expect(offBy(run.lines, [...camera.taken, ...again.taken]).every((us) => us < 20_000)).toBe(
      true,
    );
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'goes on elsewhere when its server ends by %s',
    async (signal) => {
      await using camera = await startRtspServer(ball);
      await using servers = await startDoomedServers();
      const words = ['--to', servers.addresses.join(','), '--prompts', promptsFile()];
      await using run = startPublish(['--input', camera.url, ...words]);
      await run.until(() => run.lines.length >= 5);
      servers.kill(signal);
      await run.until(() => run.stderr().includes('the stream went on'));
      const before = run.lines.length;
      await run.until(() => run.lines.length >= before + 5);
      expect(rises(indices(run.lines))).toBe(true);
      expect(run.lines.at(-1)?.objects[0]?.object_id).toBe(7);
      expect(run.stderr().match(/followed by/g)).toHaveLength(2);
    },
  );

  test('leaves out pictures while the server reads nothing, and goes on from a whole one', async () => {
    // Noise: megabytes in a second, more than what may be on its way.
    await using camera = await startRtspServer({
      ...ball,
      rate: 30,
      size: '480x360',
      pattern: 'snow',
    });
    await using server = await startServerProcess(['--threads', '1']);
    const words = ['--to', server.address, '--prompts', promptsFile(), '--buffer-bytes', '400000'];
    await using run = startPublish(['--input', camera.url, ...words]);
    await run.until(() => run.lines.length >= 3);
    process.kill(server.pid, 'SIGSTOP');
    await run.until(() => run.stderr().includes('pictures were left out'));
    process.kill(server.pid, 'SIGCONT');
    const before = run.lines.length;
    await run.until(() => run.lines.length >= before + 5);
    expect(rises(indices(run.lines))).toBe(true);
  });

  test('reads its file of cameras again: one changes, the other goes on', async () => {
    // Two that begin on one picture at a time end GStreamer's server now and then.
    await using hallCamera = await startRtspServer(ball);
    await using doorCamera = await startRtspServer(ball);
    await using server = await startService({ MASKSTREAM_MAX_STREAMS: '4' });
    const file = temporaryPath('cameras.json');
    const [hall, door = ''] = ['hall', 'door'].map((name) => promptsFile(name));
    const moved = promptsFile('moved', [20, 20, 30, 30]);
    const write = (doorPrompts: string) =>
      writeFileSync(
        file,
        JSON.stringify({
          version: 1,
          cameras: [
            { name: 'hall', input: hallCamera.url, prompts: hall },
            { name: 'door', input: doorCamera.url, prompts: doorPrompts },
          ],
        }),
      );
    write(door);
    await using run = startPublish(['--cameras', file, '--to', server.address]);
    const of = (name: string) => run.lines.filter(({ input }) => input === name);
    await run.until(() => of('hall').length >= 3 && of('door').length >= 3);
    writeFileSync(file, '{ "version": 1, "cameras": [{ "name": "hall" }] }');
    process.emit('SIGHUP');
    await run.until(() => run.stderr().includes('going on as before'));
    write(moved);
    process.emit('SIGHUP');
    await run.until(() => run.stderr().includes('1 cameras begin, 1 end'));
    const before = of('door').length;
    await run.until(() => of('door').length >= before + 3);
    expect(rises(indices(of('hall')))).toBe(true);
    expect(rises(indices(of('door')))).toBe(false);
  });

  test('sees by itself that its file of cameras has changed', async () => {
    await using camera = await startRtspServer(ball);
    await using server = await startService({ MASKSTREAM_MAX_STREAMS: '4' });
    const file = temporaryPath('watched.json');
    const prompts = promptsFile('watched-prompts');
    const write = (...names: string[]) => {
      const cameras = names.map((name) => ({ name, input: camera.url, prompts }));
      writeFileSync(file, JSON.stringify({ version: 1, cameras }));
    };
    write('hall');
    await using run = startPublish(['--cameras', file, '--to', server.address]);
    const of = (name: string) => run.lines.filter(({ input }) => input === name);
    await run.until(() => of('hall').length >= 3);
    write('hall', 'door');
    await run.until(() => of('door').length >= 3);
    write('door');
    await run.until(() => run.stderr().includes('0 cameras begin, 1 end'));
    const before = of('door').length;
    await run.until(() => of('door').length >= before + 3);
    expect(rises(indices(of('door')))).toBe(true);
    expect(rises(indices(of('hall')))).toBe(true);
  });

  test('writes to a TCP socket whole lines only', async () => {
    await using camera = await startRtspServer(ball);
    await using server = await startService();
    const reader = createServer().listen(0, '127.0.0.1');
    await once(reader, 'listening');
    const { port } = reader.address() as AddressInfo;
    const words = ['--prompts', promptsFile(), '--masks', '--output', `tcp:127.0.0.1:${port}`];
    await using run = startPublish(['--input', camera.url, '--to', server.address, ...words]);
    const [socket] = (await once(reader, 'connection')) as [Readable];
    const lines: PublishedLine[] = [];
    for await (const line of createInterface({ input: socket })) {
      lines.push(JSON.parse(line) as PublishedLine);
      if (lines.length === 10) break;
    }
    socket.destroy();
    expect(rises(indices(lines))).toBe(true);
    expect(lines[0]?.masks?.[0]).toMatchObject({ size: [120, 160] });
    expect(run.lines).toEqual([]);
    await run.stop();
    reader.close();
  });

  test('writes to a socket, and again where its reader comes back', async () => {
    await using camera = await startRtspServer(ball);
    await using server = await startService();
    const path = temporaryPath('lines.sock');
    const reader = createServer().listen(path);
    const words = ['--to', server.address, '--prompts', promptsFile(), '--output', `unix:${path}`];
    await using run = startPublish(['--input', camera.url, ...words]);
    for (let connection = 0; connection < 2; connection++) {
      const [socket] = (await once(reader, 'connection')) as [Readable];
      const [line] = (await once(createInterface({ input: socket }), 'line')) as [string];
      expect(JSON.parse(line)).toMatchObject({ objects: [{ object_id: 7 }] });
      socket.destroy();
    }
    await run.stop();
    reader.close();
  });

  test('ends with 1 when a prompt finds nothing that takes it', async () => {
    await using camera = await startRtspServer(ball);
    await using server = await startService();
    const words = ['--to', server.address, '--prompts', promptsFile('outside', [500, 500, 10, 10])];
    const run = await captureCli(['publish', '--input', camera.url, ...words]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('prompt refused');
  });
});

test('publish ends with 1 where the camera is not there for the stated time', async () => {
  const words = ['--to', '127.0.0.1:1', '--prompts', promptsFile(), '--give-up-after', '0.2'];
  const run = await captureCli(['publish', '--input', 'rtsp://127.0.0.1:1/x', ...words]);
  expect(run.code).toBe(1);
  expect(run.stderr).toContain('expected a camera at 127.0.0.1:1');
});

test.each([
  [['--input', 'rtsp://c/x'], 'expected --prompts'],
  [['--input', 'http://c/x', '--prompts', 'p.json', '--to', 'a:1'], 'expected rtsp://'],
  [['--input', 'rtsp://c/x', '--prompts', 'p.json', '--to', 'a'], '--to: expected HOST:PORT'],
  [['--input', 'rtsp://c/x', '--prompts', 'p.json', '--buffer-bytes', '9'], '--buffer-bytes: '],
  [['--input', 'rtsp://c/x', '--prompts', 'p.json', '--rtsp-transport', 'x'], '--rtsp-transport: '],
  [['--cameras', 'c.json', '--input', 'rtsp://c/x'], '--input: expected it in the file of cameras'],
])('publish %s is a mistake of the command line', async (words, said) => {
  const run = await captureCli(['publish', ...words]);
  expect(run).toMatchObject({ code: 2, stdout: '' });
  expect(run.stderr).toContain(said);
});
