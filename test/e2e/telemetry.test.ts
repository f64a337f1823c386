import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { receiveOtlp, type ReceivedSpan } from '../fixtures/otlp-receiver.ts';
import { filmScene, type SceneClip } from '../fixtures/scene-clip.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tellImports = join(root, 'test/fixtures/tell-imports.mjs');
const hideTelemetry = join(root, 'test/fixtures/hide-telemetry.mjs');
const folder = mkdtempSync(join(tmpdir(), 'maskstream-telemetry-'));
let clip: SceneClip;
beforeAll(async () => {
  clip = await filmScene(folder, 20);
});
afterAll(() => rmSync(folder, { recursive: true }));

const token = 'a-token-that-no-span-may-hold';
const label = 'a label that no span may hold';

/** A server that says what it imports, and with whose end `stop` resolves. */
async function serve(variables: Readonly<Record<string, string>>, hook = tellImports) {
  const words = ['--import', hook, join(root, 'bin/maskstream'), 'serve', '--no-web'];
  const child = spawn(process.execPath, [...words, '--listen', '127.0.0.1:0'], {
    env: { PATH: process.env.PATH, MASKSTREAM_TOKEN: token, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  const ended = once(child, 'close');
  const listening = once(createInterface({ input: child.stdout }), 'line');
  const [line] = (await Promise.race([listening, ended])) as [unknown];
  const address = /^listening on (.+)$/.exec(String(line))?.[1];
  if (address === undefined) throw new Error(`expected an address, got ${said}`);
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = (await ended) as [number | null];
    const imported = [...said.matchAll(/^imports (.+)$/gm)].map((match) => match[1]);
    return { code, imported, said };
  };
  return { address, stop };
}

/** One stream of 20 frames with a keyframe on every fifth. */
async function segmentOnce(address: string): Promise<void> {
  const [mask] = clip.truths[0]!.values();
  using client = connect(address, { token });
  using stream = client.segmentVideo({
    container: 'mp4',
    delivery: 'every-frame',
    keyframes: { fixedInterval: 5 },
  });
  const prompt = { objectId: 1, box: mask!.box!, label, at: { frameIndex: 0 } };
  const ack = stream.prompt(prompt);
  await stream.sendChunk(readFileSync(clip.file));
  stream.end();
  for await (const result of stream) void result;
  await ack;
}

const attribute = ({ attributes }: ReceivedSpan, key: string) => {
  const value = attributes.find((one) => one.key === key)?.value;
  return value?.stringValue ?? Number(value?.intValue);
};

test('calls and their keyframes go to a collector, and counters with them', async () => {
  await using receiver = await receiveOtlp();
  const server = await serve({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  });
  await segmentOnce(server.address);
  const { code, imported } = await server.stop();
  expect(code).toBe(0);
  expect(imported).toContain('@opentelemetry/sdk-node');

  const [call, ...others] = receiver.spans.filter(({ name }) => name.endsWith('/SegmentVideo'));
  expect(others).toEqual([]);
  expect(call!.status.code ?? 0).toBe(0);
  expect(attribute(call!, 'rpc.method')).toBe('SegmentVideo');
  expect(attribute(call!, 'maskstream.code')).toBe('ok');
  expect(attribute(call!, 'maskstream.principal')).toBe('token');
  expect(attribute(call!, 'maskstream.frames_out')).toBe(20);
  const keyframes = receiver.spans.filter(({ name }) => name === 'keyframe');
  expect(keyframes.map((span) => attribute(span, 'maskstream.frame_index'))).toEqual([
    0, 5, 10, 15,
  ]);
  for (const span of keyframes) {
    expect(span).toMatchObject({ traceId: call!.traceId, parentSpanId: call!.spanId });
    expect(BigInt(span.endTimeUnixNano)).toBeGreaterThan(BigInt(span.startTimeUnixNano));
  }
  expect(receiver.resource.get('service.name')).toBe('maskstream');
  expect(receiver.resource.get('deployment.environment.name')).toBe('test');
  for (const name of [
    'maskstream.calls',
    'maskstream.frames.answered',
    'maskstream.keyframes',
    'maskstream.stage.duration',
    'maskstream.load',
  ]) {
    expect(receiver.metrics).toContain(name);
  }
  const everything = receiver.bodies.join('\n');
  expect(everything).not.toContain(token);
  expect(everything).not.toContain(label);
});

test.each<[string, Record<string, string>]>([
  ['nothing is set', {}],
  ['all is set to none', { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }],
  [
    'it is disabled',
    { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  ],
])('where %s, nothing of it is loaded', async (_, variables) => {
  const server = await serve(variables);
  using client = connect(server.address, { token });
  expect(await client.listModels()).toHaveLength(1);
  const { code, imported } = await server.stop();
  expect(code).toBe(0);
  expect(imported).toEqual([]);
});

test('a collector that is not there is no fault of the server', async () => {
  const server = await serve({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
  await segmentOnce(server.address);
  expect((await server.stop()).code).toBe(0);
});

test.each(['http/json', 'grpc'])(
  'a collector that never answers %s holds up the end for two seconds at most',
  async (protocol) => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const server = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    });
    await segmentOnce(server.address);
    const beganMs = performance.now();
    const { code } = await server.stop();
    expect(code).toBe(0);
    // Ten seconds without a bound; a busy machine takes some of its own.
    expect(performance.now() - beganMs).toBeLessThan(6000);
    silent.close();
  },
);

test('where it is asked for and not installed, the log says what to install, and the server serves', async () => {
  const server = await serve({ OTEL_TRACES_EXPORTER: 'otlp' }, hideTelemetry);
  await segmentOnce(server.address);
  const { code, said } = await server.stop();
  expect(code).toBe(0);
  expect(said).toContain('npm install @opentelemetry/sdk-node @opentelemetry/api');
});
