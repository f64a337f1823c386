import { describe, expect, onTestFinished, test } from 'vitest';
import type { CameraReaderEvents, CameraUnit } from '../../../../clients/publisher/access-unit.ts';
import { readRtspCamera } from '../../../../clients/publisher/rtsp/rtsp-camera.ts';
import { deferred } from '../../../../clients/typescript/deferred.ts';
import {
  noRtspServer,
  type RtspServer,
  type RtspServerOptions,
  startRtspServer,
} from '../../../fixtures/rtsp-server.ts';

type Track = Parameters<CameraReaderEvents['onTrack']>[0];

/** A camera that is read until `isEnough` says so. */
async function collect(
  url: string,
  isEnough: (units: readonly CameraUnit[]) => boolean,
  transport: 'tcp' | 'udp' = 'tcp',
): Promise<{ readonly track: Track; readonly units: readonly CameraUnit[] }> {
  const units: CameraUnit[] = [];
  const enough = new AbortController();
  const track = deferred<Track>();
  const reading = readRtspCamera(
    url,
    {
      onTrack: (found) => track.resolve(found),
      onUnit(unit) {
        units.push(unit);
        if (isEnough(units)) enough.abort();
      },
      onLoss: () => enough.abort(),
    },
    { transport, signal: enough.signal },
  );
  await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  return { track: await track.promise, units };
}

async function camera(options: RtspServerOptions): Promise<RtspServer> {
  const server = await startRtspServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const timed = (units: readonly CameraUnit[]) =>
  units.filter(({ capturedAtUs }) => capturedAtUs !== null);

/** The last bytes of a picture, as the server tells it by. */
function tailOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/ffd9$/, '').slice(-48);
}

/** Types of H.264 units of a picture. */
function typesOf(bytes: Uint8Array): number[] {
  const types: number[] = [];
  const all = Buffer.from(bytes);
  const code = Buffer.from([0, 0, 0, 1]);
  for (let at = all.indexOf(code); at >= 0; at = all.indexOf(code, at + 4)) {
    types.push(all[at + 4]! & 0x1f);
  }
  return types;
}

const setsOf = ({ bytes }: CameraUnit) => Buffer.from(bytes.subarray(0, 40)).toString('hex');

describe.skipIf(noRtspServer !== null)(`a camera ${noRtspServer ?? ''}`, () => {
  test.each([
    { codec: 'h264', container: 'h264-annex-b', transport: 'tcp' },
    { codec: 'h265', container: 'hevc-annex-b', transport: 'tcp' },
    { codec: 'mjpeg', container: 'mjpeg', transport: 'tcp' },
    { codec: 'h264', container: 'h264-annex-b', transport: 'udp' },
    { codec: 'h265', container: 'hevc-annex-b', transport: 'udp' },
    { codec: 'mjpeg', container: 'mjpeg', transport: 'udp' },
  ] as const)('gives $codec whole by $transport, by its own clock', async (form) => {
    const { codec, container, transport } = form;
    const server = await camera({ codec, pattern: 'snow', audio: true });
    const isEnough = (all: readonly CameraUnit[]) => timed(all).length >= 20;
    const { track, units } = await collect(server.url, isEnough, transport);
    expect(track).toMatchObject({ container, frameRate: 15 });
    expect(units[0]).toMatchObject({ randomAccess: true });
    const takenAt = new Map(server.taken.map(({ tail, takenAtUs }) => [tail, takenAtUs]));
    const offBy = timed(units).map(
      ({ bytes, capturedAtUs }) => capturedAtUs! - takenAt.get(tailOf(bytes))!,
    );
    expect(offBy).toHaveLength(20);
    expect(Math.max(...offBy.map(Math.abs))).toBeLessThan(20_000);
  });

  test.each(['h264', 'h265'] as const)(
    'of %s has parameter sets before each start, though only its description has them',
    async (codec) => {
      const server = await camera({ codec, sdpOnly: true, gop: 5 });
      const { units } = await collect(server.url, (all) => all.length >= 12);
      const starts = units.filter(({ randomAccess }) => randomAccess);
      expect(starts.length).toBeGreaterThan(1);
      expect(server.taken.some(({ hasSets }) => hasSets)).toBe(false);
      for (const { bytes } of starts) {
        const types = typesOf(bytes);
        // H.265's first byte is its type times two: 64, 66 and 68 are its sets, as 0, 2 and 4.
        const sets = codec === 'h264' ? [7, 8] : [0, 2, 4];
        expect(types.filter((type) => sets.includes(type)).toSorted((a, b) => a - b)).toEqual(sets);
      }
    },
  );

  test('may change its size in mid-stream', async () => {
    const server = await camera({ gop: 5 });
    const { units } = await collect(server.url, (all) => {
      if (all.length === 8) server.resize('320x240');
      const starts = all.filter(({ randomAccess }) => randomAccess);
      return new Set(starts.map(setsOf)).size > 1;
    });
    expect(units.at(-1)).toMatchObject({ randomAccess: true });
    expect(typesOf(units.at(-1)!.bytes)).toEqual(expect.arrayContaining([7, 8, 5]));
  });

  test('is read with a name and a password, and not with a wrong one', async () => {
    const server = await camera({ login: 'viewer:s3cret' });
    const { units } = await collect(server.url, (all) => all.length >= 3);
    expect(units).toHaveLength(3);
    const { signal } = new AbortController();
    const events = { onTrack: () => undefined, onLoss: () => undefined, onUnit: () => undefined };
    const wrong = readRtspCamera(server.url.replace('s3cret', 'guess'), events, { signal });
    await expect(wrong).rejects.toMatchObject({ code: 'camera-refused', message: /401/ });
  });

  test('that freezes is lost after its silence; one that dies, at once', async () => {
    const server = await camera({});
    const { signal } = new AbortController();
    const events = { onTrack: () => undefined, onLoss: () => undefined };
    const frozen = readRtspCamera(
      server.url,
      { ...events, onUnit: () => server.freeze() },
      { silenceMs: 300, signal },
    );
    await expect(frozen).rejects.toMatchObject({ code: 'camera-lost', message: /no picture/ });
    const other = await camera({});
    const died = readRtspCamera(
      other.url,
      { ...events, onUnit: () => void other.kill() },
      { signal },
    );
    await expect(died).rejects.toMatchObject({ code: 'camera-lost' });
    // Its port is closed only when it has ended.
    await other.kill();
    const gone = readRtspCamera(other.url, { ...events, onUnit: () => undefined }, { signal });
    await expect(gone).rejects.toMatchObject({ code: 'camera-unreachable' });
  });

  test.each(['tcp', 'udp'] as const)(
    'is kept alive by $0, though it ends sessions that nobody asks for',
    async (transport) => {
      const server = await camera({ sessionSeconds: 1, rate: 10 });
      const { units } = await collect(server.url, () => server.keptAlive() >= 6, transport);
      // Six keep-alives of a session of one second are two of its lives.
      expect(units.length).toBeGreaterThan(10);
    },
  );

  test('that sends over its connection only says so to who asks for UDP', async () => {
    const server = await camera({ tcpOnly: true });
    const { signal } = new AbortController();
    const events = { onTrack: () => undefined, onLoss: () => undefined, onUnit: () => undefined };
    const reading = readRtspCamera(server.url, events, { transport: 'udp', signal });
    await expect(reading).rejects.toMatchObject({
      code: 'camera-refused',
      message: expect.stringMatching(/SETUP was answered 461/) as string,
    });
  });

  test('of a codec that is not taken is refused by its name', async () => {
    const server = await camera({ codec: 'vp8' });
    const { signal } = new AbortController();
    const events = { onTrack: () => undefined, onLoss: () => undefined, onUnit: () => undefined };
    await expect(readRtspCamera(server.url, events, { signal })).rejects.toMatchObject({
      code: 'camera-codec',
      message: 'expected H264, H265 or JPEG, got VP8',
    });
  });
});
