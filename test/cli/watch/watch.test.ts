import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MetricsPort, openMetricsPort } from '../../../src/server/index.ts';
import { captureCli } from '../../fixtures/capture-cli.ts';
import { masksEvent } from '../../fixtures/scripted-session.ts';

let server: MetricsPort;
let address: string;

beforeEach(async () => {
  server = await openMetricsPort({ host: '127.0.0.1', port: 0 });
  address = `127.0.0.1:${server.port}`;
  server.enter('serving');
  const build = { version: '1', model: 'm', provider: 'cpu', ffmpeg: '5.1' };
  server.describe(build, { maxStreams: 8, maxLoad: null });
  server.metrics.callOpened('video');
});

afterEach(() => server[Symbol.asyncDispose]());

/** Answers a frame of 30 ms again and again while the command looks. */
function answerFrames(): Disposable {
  const timer = setInterval(() => {
    const event = masksEvent(1);
    if (event.kind !== 'masks') return;
    const timings = { ...event.result.timings, total: 30_000 };
    server.metrics.frame({ ...event.result, framesDroppedBefore: 1, timings });
  }, 5);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test('watch --json gives rates and times of what happened between two looks', async () => {
  using frames = answerFrames();
  void frames;
  const run = await captureCli(['watch', address, '--interval', '0.3', '--count', '2', '--json']);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const looks = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(looks).toHaveLength(2);
  const last = looks[1] as Record<string, number>;
  expect(last).toMatchObject({ ready: true, streams: 1, maxStreams: 8, images: 0, refused: 0 });
  expect(last['framesPerSecond']).toBeGreaterThan(10);
  expect(last['droppedPerSecond']).toBeCloseTo(last['framesPerSecond']!, 5);
  // All of them between the bounds of one bucket, 25 and 50 ms.
  expect(last['p50Ms']).toBeCloseTo(37.5, 0);
  expect(last['p95Ms']).toBeLessThan(50);
  expect(last['meanConfidence']).toBeCloseTo(0.5, 5);
  expect(last['residentMiB']).toBeGreaterThan(10);
});

test('without frames the table has dashes, and no figure that is none', async () => {
  const { code, stdout } = await captureCli([
    'watch',
    address,
    '--interval',
    '0.1',
    '--count',
    '1',
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('streams             1 of 8, images 0');
  expect(stdout).toContain('time of a frame     p50 -, p95 -');
  expect(stdout).not.toContain('NaN');
  expect(stdout).not.toContain('\u001B');
});

const states = () => [
  { server: 'a:8001', isOut: false, callsUnderWay: 3 },
  { server: 'b:8001', isOut: true, callsUnderWay: 0 },
];

test('inference servers have a row where there are some', async () => {
  const without = await captureCli(['watch', address, '--interval', '0.1', '--count', '1']);
  expect(without.stdout).not.toContain('inference servers');
  server.metrics.watchInferenceServers({ graphs: ['encoder'], states });
  const call = { server: 'a:8001', graph: 'encoder', ms: 9, sentBytes: 1, receivedBytes: 2 };
  for (const outcome of ['ok', 'ok', 'slow', 'cancelled'] as const) {
    server.metrics.inferenceCall({ ...call, outcome });
  }
  const { stdout } = await captureCli(['watch', address, '--interval', '0.1', '--count', '1']);
  expect(stdout).toContain(
    'inference servers   1 of 2 answer, 0.0 calls a second, 3 under way, failed 1',
  );
});

test('a server that is not there ends it with exit code 1, a wrong interval with 2', async () => {
  await server[Symbol.asyncDispose]();
  const gone = await captureCli(['watch', address]);
  expect(gone).toMatchObject({ code: 1, stdout: '' });
  expect(gone.stderr).toContain(`expected the metrics of a server at http://${address}/metrics`);
  const wrong = await captureCli(['watch', address, '--interval', 'soon']);
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.stderr).toContain('--interval: expected a number above 0, got "soon"');
});
