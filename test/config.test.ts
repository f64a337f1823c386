import { homedir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { givenSettings, readConfig } from '../src/config.ts';
import { configVariables } from '../src/settings.ts';
import type { ConfigOverrides } from '../src/config.ts';
import { configRefusals, configWarnings } from '../src/config-warnings.ts';

describe('config', () => {
  test('has a default for everything', () => {
    expect(readConfig({}, {})).toEqual({
      listen: { host: '127.0.0.1', port: 50_051 },
      model: 'maskstream-tiny',
      modelCache: join(homedir(), '.cache/maskstream/models'),
      hubToken: null,
      provider: 'cpu',
      maxObjectMemoryBytes: 2 ** 30,
      placement: null,
      precision: null,
      modelThreads: 2,
      modelTimeoutMs: 60_000,
      trackerWorkers: 2,
      maxStreams: 8,
      maxLoad: null,
      telemetry: false,
      maxLoadPerClient: null,
      maxPixelsPerSecond: null,
      maxPixelsPerSecondPerClient: null,
      maxObjectsPerClient: null,
      web: { port: 50_080, hosts: [], origins: [] },
      metrics: null,
      logLevel: 'info',
      token: null,
      tokensFile: null,
      jwt: null,
      maxStreamsPerClient: null,
      allow: [],
      requirePatchedFfmpeg: false,
      tls: null,
      confine: 'auto',
      hwaccel: 'off',
      drainGraceMs: 30_000,
      kserve: null,
      ffmpegPath: null,
      searchPath: null,
    });
  });

  test('takes the environment, and the command line over it; empty is unset', () => {
    const environment = { MASKSTREAM_MODEL: 'mine', MASKSTREAM_MAX_STREAMS: '3', FFMPEG_PATH: '' };
    const config = readConfig({ MASKSTREAM_MODEL: 'theirs' }, environment);
    expect(config).toMatchObject({ model: 'theirs', maxStreams: 3, ffmpegPath: null });
  });

  test('says which settings are given, secrets masked', () => {
    const environment = { MASKSTREAM_TOKEN: 'abc', MASKSTREAM_MODEL: 'm', PATH: '/bin', HOME: '/' };
    const given = { MASKSTREAM_MODEL: 'm', MASKSTREAM_TOKEN: '(set)' };
    expect(givenSettings(environment)).toEqual(given);
  });

  test('reads IPv6 addresses and port 0', () => {
    const { listen } = readConfig({ MASKSTREAM_LISTEN: '[::1]:0' }, {});
    expect(listen).toEqual({ host: '::1', port: 0 });
  });

  test.each([
    [{ MASKSTREAM_LISTEN: 'localhost' }, 'MASKSTREAM_LISTEN: expected HOST:PORT, got "localhost"'],
    [{ MASKSTREAM_LISTEN: 'a:70000' }, 'MASKSTREAM_LISTEN: expected HOST:PORT, got "a:70000"'],
    [
      { MASKSTREAM_MAX_STREAMS: 'many' },
      'expected a number of streams from 1 to 10000, got "many"',
    ],
    [{ MASKSTREAM_LOG_LEVEL: 'loud' }, 'got "loud"'],
    [{ MASKSTREAM_TLS_CERT: 'a.pem' }, 'MASKSTREAM_TLS_CERT and MASKSTREAM_TLS_KEY: expected both'],
    [
      { MASKSTREAM_MODEL_THREADS: '100000' },
      'MASKSTREAM_MODEL_THREADS: expected a number of threads from 1 to 256, got "100000"',
    ],
    [{ MASKSTREAM_TRACKER_WORKERS: '0' }, 'expected a number of workers from 1 to 256, got "0"'],
    [{ MASKSTREAM_MAX_STREAMS: '1.5' }, 'expected a whole number of streams, got "1.5"'],
    [{ MASKSTREAM_DRAIN_SECONDS: '-1' }, 'expected seconds from 0 to 86400, got "-1"'],
  ])('%j is a usage error that names the variable', (overrides, message) => {
    expect(() => readConfig(overrides, {})).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });

  test.each([
    ['MASKSTREAM_TOKEN', ''],
    ['MASKSTREAM_TOKEN', ' \n'],
    ['MASKSTREAM_TLS_CERT', ''],
    ['MASKSTREAM_TLS_KEY', ''],
    ['MASKSTREAM_TLS_CLIENT_CA', ''],
  ])('a protection that did not arrive is refused: %s=%j', (name, value) => {
    expect(() => readConfig({}, { [name]: value })).toThrow(
      `${name}: expected a value, got an empty one; unset it to do without`,
    );
  });

  test('a token that no header can carry is refused, and not repeated', () => {
    const fault = 'MASKSTREAM_TOKEN: expected printable ASCII without spaces, got something else';
    for (const token of ['geheim nis', 'sécret', 'secret\n']) {
      expect(() => readConfig({}, { MASKSTREAM_TOKEN: token })).toThrow(fault);
    }
  });

  test.each([
    ['MASKSTREAM_TOKN', 'MASKSTREAM_TOKN: expected MASKSTREAM_TOKEN, got a name'],
    ['MASKSTREAM_TLS_CA', 'MASKSTREAM_TLS_CA: expected MASKSTREAM_TLS_CERT, got a name'],
    ['MASKSTREAM_XYZZY_PLUGH', 'expected a setting that there is, got a name'],
  ])('an unknown name is an error that names it and the nearest: %s', (name, message) => {
    expect(() => readConfig({}, { [name]: 'x' })).toThrow(message);
  });

  test('what Kubernetes and container links set is no setting', () => {
    const injected = {
      MASKSTREAM_SERVICE_HOST: '10.0.0.7',
      MASKSTREAM_SERVICE_PORT_GRPC: '50051',
      MASKSTREAM_PORT: 'tcp://10.0.0.7:50051',
      MASKSTREAM_PORT_50051_TCP_ADDR: '10.0.0.7',
    };
    expect(readConfig({}, injected).token).toBeNull();
  });

  test('docs/cli.md lists every variable', () => {
    const docs = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');
    const missing = configVariables.filter((name) => !docs.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});

/** On a machine of two processors. */
function warnings(settings: ConfigOverrides): string[] {
  return configWarnings(readConfig(settings, {}), 2);
}

test.each<[string, ConfigOverrides, RegExp[]]>([
  ['loopback', {}, []],
  ['everybody', { MASKSTREAM_LISTEN: '0.0.0.0:1' }, [/--allow plaintext/, /--allow anonymous/]],
  [
    'everybody, with a token',
    { MASKSTREAM_LISTEN: '0.0.0.0:1', MASKSTREAM_TOKEN: 'x' },
    [/--allow plaintext/],
  ],
  [
    'everybody, as it was told',
    { MASKSTREAM_LISTEN: '[::]:1', MASKSTREAM_ALLOW: 'plaintext, anonymous' },
    [],
  ],
])('a server that listens to %s', (_, overrides, refusals) => {
  expect(configRefusals(readConfig(overrides, {}))).toEqual(
    refusals.map((refusal) => expect.stringMatching(refusal) as unknown),
  );
});

describe('the warnings of a server', () => {
  const tls = { MASKSTREAM_TLS_CERT: 'a.pem', MASKSTREAM_TLS_KEY: 'b.pem' };
  const everywhere = { MASKSTREAM_LISTEN: '0.0.0.0:50051' };

  test.each([
    ['the defaults', {}],
    ['another loopback address', { MASKSTREAM_LISTEN: '127.8.0.1:1' }],
    ['IPv6 loopback', { MASKSTREAM_LISTEN: '[::1]:1' }],
    ['a public address with token and TLS', { ...everywhere, ...tls, MASKSTREAM_TOKEN: 'x' }],
    ['mutual TLS', { ...everywhere, ...tls, MASKSTREAM_TLS_CLIENT_CA: 'ca.pem' }],
    ['twice the processors', { MASKSTREAM_MODEL_THREADS: '4' }],
    ['a GPU worker a processor', { MASKSTREAM_PLACEMENT: 'encoder=cuda:0,decoder=cuda:1' }],
  ])('are none for %s', (_name, settings) => {
    expect(warnings(settings)).toEqual([]);
  });

  test('name the address and what it lacks', () => {
    expect(warnings(everywhere)).toEqual([
      expect.stringMatching(/^MASKSTREAM_LISTEN=0\.0\.0\.0:50051 .*MASKSTREAM_TOKEN is not set/),
      expect.stringMatching(/MASKSTREAM_TLS_CERT is not set: video travels unencrypted/),
    ]);
    expect(warnings({ MASKSTREAM_LISTEN: '[::]:1', MASKSTREAM_TOKEN: 'x' })).toEqual([
      expect.stringContaining('video and tokens travel unencrypted'),
    ]);
  });

  test('count the processors that workers on GPUs keep busy', () => {
    const placement = 'encoder=cuda:0*2,decoder=cuda:1,memory=cuda:1,refiner=cpu*4';
    expect(warnings({ MASKSTREAM_PLACEMENT: placement })).toEqual([
      expect.stringContaining('has 3 workers on GPUs'),
    ]);
    expect(() => warnings({ MASKSTREAM_PLACEMENT: 'encoder' })).toThrow('PART=DEVICE');
  });

  test('name more threads than the processors can run', () => {
    expect(warnings({ MASKSTREAM_TRACKER_WORKERS: '64' })).toEqual([
      expect.stringContaining('MASKSTREAM_TRACKER_WORKERS=64 is more than twice the 2 processors'),
    ]);
  });

  test.each<[boolean, NodeJS.ProcessEnv]>([
    [false, { OTEL_SERVICE_NAME: 'gate' }],
    [false, { OTEL_TRACES_EXPORTER: 'none' }],
    [false, { OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'TRUE' }],
    [true, { OTEL_TRACES_EXPORTER: 'otlp' }],
    [true, { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'console' }],
    [true, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'false' }],
  ])('telemetry is %s with %j', (wanted, environment) => {
    expect(readConfig({}, environment).telemetry).toBe(wanted);
  });
});
