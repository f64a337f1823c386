import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CallFailed,
  connect,
  type FrameMasks,
  type Resumed,
  type SegmentationClient,
} from '../../clients/typescript/index.ts';
import { deferred } from '../../clients/typescript/deferred.ts';
import { type ServerProcess, startServerProcess } from '../../src/evaluation/server-process.ts';
import { type CurtainClip, makeCurtainClip } from '../fixtures/curtain-clip.ts';
import { freePort } from '../../bench/support/free-port.ts';
import { checkHealth } from '../fixtures/health-client.ts';

const streamCount = 8;
const frameCount = 110;
/** Cameras stand still on these frames, until a server is gone. */
const pauses = [30, 70] as const;
/** Eight cameras of ten frames a second, on two servers that share a small machine. */
const frameMs = 100;

type Proxy = {
  readonly name: string;
  readonly program: string;
  readonly file: string;
  readonly words: (folder: string) => readonly string[];
  /** How a stream ends whose server was killed; docs/operations.md says the same. */
  readonly endsOfKilled: readonly string[];
};

const proxies: readonly Proxy[] = [
  {
    name: 'HAProxy',
    program: 'haproxy',
    file: 'haproxy/haproxy.cfg',
    words: (folder) => ['-f', `${folder}/haproxy.cfg`],
    endsOfKilled: ['CANCELLED', 'INTERNAL'],
  },
  {
    name: 'nginx',
    program: 'nginx',
    file: 'nginx/nginx.conf',
    words: (folder) => ['-p', folder, '-c', `${folder}/nginx.conf`],
    endsOfKilled: ['INTERNAL'],
  },
  {
    name: 'Envoy',
    program: 'envoy',
    file: 'envoy/envoy.yaml',
    words: (folder) => ['-c', `${folder}/envoy.yaml`, '--log-level', 'error', '--base-id', '7'],
    endsOfKilled: ['INTERNAL'],
  },
];

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
// Debian puts servers where only root looks for programs.
const path = `${process.env['PATH']}:/usr/sbin:/usr/local/sbin`;

function isThere({ program }: Proxy): boolean {
  const isFound = spawnSync(program, ['-v'], { env: { PATH: path } }).error === undefined;
  if (!isFound) console.warn(`SKIPPED: there is no ${program} on this machine`);
  return isFound;
}

let clip: CurtainClip;
let folder: string;
let ports: { readonly proxy: number; readonly a: number; readonly b: number };
let running: { readonly stop: () => PromiseLike<void> }[];

beforeAll(async () => {
  clip = await makeCurtainClip(frameCount);
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'proxies-'));
  ports = { proxy: await freePort(), a: await freePort(), b: await freePort() };
  running = [];
  // Behind one address there is nowhere to go on while the old call lives.
  vi.stubEnv('MASKSTREAM_DRAIN_SECONDS', '1');
});

afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

async function startServer(port: number): Promise<ServerProcess> {
  const words = ['--threads', '1', '--listen', `127.0.0.1:${port}`];
  const server = await startServerProcess(words);
  running.push({ stop: () => server[Symbol.asyncDispose]() });
  return server;
}

/** Starts the proxy with its file of `deploy`, but for the ports. */
function startProxy({ program, file, words }: Proxy): ChildProcess {
  const text = readFileSync(join(deploy, file), 'utf8')
    .replaceAll('50051', `${ports.proxy}`)
    .replaceAll('50061', `${ports.a}`)
    .replaceAll('50062', `${ports.b}`);
  writeFileSync(join(folder, file.split('/').at(-1) ?? ''), text);
  const env = { PATH: path };
  const proxy = spawn(program, words(folder), { env, stdio: ['ignore', 'ignore', 'ignore'] });
  const ended = once(proxy, 'exit');
  running.push({
    stop: async () => {
      proxy.kill('SIGKILL');
      await ended;
    },
  });
  return proxy;
}

/** What one camera got. */
type Camera = { readonly frames: FrameMasks[]; readonly resumed: Resumed[] };

/** Sends the clip at the pace of a camera and collects what is answered. */
async function runCamera(
  client: SegmentationClient,
  camera: Camera,
  gates: ReadonlyMap<number, Promise<void>>,
): Promise<void> {
  const stream = client.segmentVideo({
    container: 'h264-annex-b',
    delivery: 'latest',
    frameRate: 1000 / frameMs,
  });
  for (const objectId of [1, 2]) {
    const box = clip.truths[0]?.get(objectId)?.box;
    if (box) void stream.prompt({ objectId, box, label: `object ${objectId}` });
  }
  const send = async () => {
    for (const [index, { data, randomAccess }] of clip.units.entries()) {
      await gates.get(index);
      const captureTimestampUs = 1_000_000 + index * frameMs * 1000;
      await stream.sendChunk(data, { randomAccess, captureTimestampUs, endsAccessUnit: true });
      await wait(frameMs);
    }
    stream.end();
  };
  const sent = send();
  for await (const result of stream) {
    if (result.kind === 'resumed') camera.resumed.push(result);
    if (result.kind === 'masks') camera.frames.push(result.masks);
  }
  await sent;
}

describe.each(proxies.map((proxy) => [proxy.name, proxy] as const))('behind %s', (_, proxy) => {
  test.skipIf(!isThere(proxy))(
    'eight streams outlive a server that is ended, and one that is killed',
    async () => {
      const [a, b] = await Promise.all([startServer(ports.a), startServer(ports.b)]);
      startProxy(proxy);
      const address = `127.0.0.1:${ports.proxy}`;
      const isServing = async () => (await checkHealth(address, 'readiness')).status;
      await expect.poll(isServing, { timeout: 20_000 }).toBe('SERVING');

      using client = connect(address);
      const cameras: Camera[] = [];
      const runs: Promise<void>[] = [];
      const [ended, killed] = [deferred<void>(), deferred<void>()];
      const gates = new Map([
        [pauses[0], ended.promise],
        [pauses[1], killed.promise],
      ]);
      const answered = (frameIndex: number) => () =>
        cameras.filter(({ frames }) => (frames.at(-1)?.frameIndex ?? -1) >= frameIndex).length;
      // One after the other, so that the proxy sees how many each server has.
      while (cameras.length < streamCount) {
        const camera: Camera = { frames: [], resumed: [] };
        cameras.push(camera);
        runs.push(runCamera(client, camera, gates));
        await expect.poll(answered(0), { timeout: 30_000 }).toBe(cameras.length);
      }
      await expect.poll(answered(pauses[0] - 1), { timeout: 60_000 }).toBe(streamCount);
      // By SIGTERM, until it is gone.
      await a[Symbol.asyncDispose]();
      await startServer(ports.a);
      ended.resolve();
      await expect.poll(answered(pauses[1] - 1), { timeout: 60_000 }).toBe(streamCount);
      process.kill(b.pid, 'SIGKILL');
      killed.resolve();
      await Promise.all(runs);

      for (const { frames } of cameras) {
        const indices = frames.map(({ frameIndex }) => frameIndex);
        // In order, and none twice.
        expect(indices).toEqual([...new Set(indices)].toSorted((x, y) => x - y));
        expect(indices.at(-1)).toBe(frameCount - 1);
        for (const { objects } of frames) {
          expect(objects.map(({ objectId, label }) => [objectId, label])).toEqual([
            [1, 'object 1'],
            [2, 'object 2'],
          ]);
        }
      }
      // Each stream was on a server that went, and some were on both.
      const resumed = cameras.map((camera) => camera.resumed.length);
      expect(Math.min(...resumed)).toBeGreaterThanOrEqual(1);
      console.log(`${proxy.name}: interruptions of the streams: ${resumed.join(' ')}`);
    },
  );

  test.skipIf(!isThere(proxy))(
    'a server that is killed shows as the documented status, without a code of ours',
    async () => {
      const server = await startServer(ports.a);
      startProxy(proxy);
      const address = `127.0.0.1:${ports.proxy}`;
      const isServing = async () => (await checkHealth(address, 'readiness')).status;
      await expect.poll(isServing, { timeout: 20_000 }).toBe('SERVING');
      using client = connect(address, { resume: false });
      const ends: string[] = [];
      for (const sends of [true, false]) {
        const again = sends ? server : await startServer(ports.a);
        await expect.poll(isServing, { timeout: 20_000 }).toBe('SERVING');
        const stream = client.segmentVideo({
          container: 'h264-annex-b',
          delivery: 'every-frame',
          frameRate: 1000 / frameMs,
        });
        const { summary } = stream;
        const ended = summary.then(
          () => 'ended in order',
          (reason: unknown) => reason,
        );
        for (const { data } of clip.units.slice(0, 20)) await stream.sendChunk(data);
        const results = stream[Symbol.asyncIterator]();
        await results.next();
        process.kill(again.pid, 'SIGKILL');
        // Busy or silent when it dies: a proxy may tell them apart.
        if (sends) await stream.sendChunk(clip.units[20]!.data).catch(() => undefined);
        const failure = await ended;
        expect(failure).toBeInstanceOf(CallFailed);
        const { status, code } = failure as CallFailed;
        expect(proxy.endsOfKilled).toContain(status);
        // The client's own word: the server had no say.
        expect(code).toBe('connection-lost');
        ends.push(status);
      }
      console.log(`${proxy.name}: streams of a killed server ended as ${ends.join(' ')}`);
    },
  );

  test('is documented with the statuses that are tested', () => {
    const guide = readFileSync(join(deploy, '../docs/operations.md'), 'utf8');
    const column = (row: string) =>
      new RegExp(`^\\|[^|]*${row}[^|]*\\|([^\\n]*)\\|$`, 'm').exec(guide)?.[1]?.split('|') ?? [];
    const at = proxies.indexOf(proxy);
    const said = column('a server that is killed shows as')[at] ?? '';
    expect(said.match(/[A-Z_]{4,}/g)).toEqual(proxy.endsOfKilled);
    expect(said).toContain('without a code');
  });
});
