import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configVariables, readConfig } from '../src/config.ts';

describe('config', () => {
  test('has a default for everything', () => {
    expect(readConfig({}, {})).toEqual({
      listen: { host: '127.0.0.1', port: 50_051 },
      model: 'maskstream-tiny',
      provider: 'cpu',
      modelThreads: 2,
      trackerWorkers: 2,
      maxStreams: 8,
      web: { port: 50_080, hosts: [], origins: [] },
      logLevel: 'info',
      token: null,
      tls: null,
      drainGraceMs: 30_000,
      ffmpegPath: null,
      searchPath: null,
    });
  });

  test('takes the environment, and the command line over it; empty is unset', () => {
    const environment = { MASKSTREAM_MODEL: 'mine', MASKSTREAM_MAX_STREAMS: '3', FFMPEG_PATH: '' };
    const config = readConfig({ MASKSTREAM_MODEL: 'theirs' }, environment);
    expect(config).toMatchObject({ model: 'theirs', maxStreams: 3, ffmpegPath: null });
  });

  test('reads IPv6 addresses and port 0', () => {
    const { listen } = readConfig({ MASKSTREAM_LISTEN: '[::1]:0' }, {});
    expect(listen).toEqual({ host: '::1', port: 0 });
  });

  test.each([
    [{ MASKSTREAM_LISTEN: 'localhost' }, 'MASKSTREAM_LISTEN: expected HOST:PORT, got "localhost"'],
    [{ MASKSTREAM_LISTEN: 'a:70000' }, 'MASKSTREAM_LISTEN: expected HOST:PORT, got "a:70000"'],
    [{ MASKSTREAM_MAX_STREAMS: 'many' }, 'expected a number of streams, got "many"'],
    [{ MASKSTREAM_LOG_LEVEL: 'loud' }, 'got "loud"'],
    [{ MASKSTREAM_TLS_CERT: 'a.pem' }, 'MASKSTREAM_TLS_CERT and MASKSTREAM_TLS_KEY: expected both'],
  ])('%j is a usage error that names the variable', (overrides, message) => {
    expect(() => readConfig(overrides, {})).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });

  test('docs/cli.md lists every variable', () => {
    const docs = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');
    const missing = configVariables.filter((name) => !docs.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});
