import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { configVariables } from '../../src/settings.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { freePort } from '../../bench/support/free-port.ts';

const root = fileURLToPath(new URL('../../deploy', import.meta.url));
const images = ['docker/Dockerfile', 'docker/Dockerfile.gpu'];
const unit = 'systemd/maskstream.service';
const compose = 'docker/compose.yaml';

function read(name: string): string {
  return readFileSync(join(root, name), 'utf8');
}

/** Whether a linter is here; one that is not is said. */
function has(command: string): boolean {
  const found = spawnSync(command, ['--version']).error === undefined;
  if (!found) console.log(`deploy: not checked by ${command}, which this machine does not have`);
  return found;
}

describe.runIf(has('hadolint')).each(images)('%s', (name) => {
  test('has nothing that hadolint finds', () => {
    const { status, stdout } = spawnSync('hadolint', [join(root, name)], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  test('would be found wanting without a fixed release of ffmpeg', () => {
    const input = read(name).replace(/ffmpeg=\S+/, 'ffmpeg');
    const { status, stdout } = spawnSync('hadolint', ['-'], { input, encoding: 'utf8' });
    expect(stdout).toContain('DL3008');
    expect(status).toBe(1);
  });
});

describe.each(images)('%s', (name) => {
  test('runs as nobody, with a patched ffmpeg of the distribution', () => {
    const last =
      read(name)
        .split(/^FROM /m)
        .at(-1) ?? '';
    expect(/^USER (.*)$/m.exec(last)?.[1]).toBe('10001:10001');
    // 7.1.5 is the first of its branch with the fix (src/video/ffmpeg/binary.ts).
    expect(last).toMatch(/ffmpeg=7:7\.1\.5-/);
    expect(last).toMatch(/MASKSTREAM_REQUIRE_PATCHED_FFMPEG=true/);
  });
});

test('the health check of an image tells a server that lives from one that does not', async () => {
  const [, words = '[]'] = /^HEALTHCHECK [^]*?CMD (\[.*\])$/m.exec(read(images[0]!)) ?? [];
  const [, ...all] = JSON.parse(words) as string[];
  const port = await freePort();
  const check = () => {
    const asked = all.map((word) => word.replace(':9464/', `:${port}/`));
    return spawnSync(process.execPath, asked).status;
  };
  expect(all.join(' ')).toContain(':9464/');
  expect(check()).toBe(1);
  await using server = await startServerProcess(['--metrics-port', String(port)]);
  expect(server.pid).toBeGreaterThan(0);
  expect(check()).toBe(0);
});

test('all settings in the files are settings of the server', () => {
  for (const name of [...images, compose, unit]) {
    const named = [...read(name).matchAll(/^\s*(?:ENV )?(MASKSTREAM_\w+)[=:]/gm)];
    const names = named.map(([, variable]) => variable);
    expect([name, names.length > 0]).toEqual([name, name !== unit]);
    expect(configVariables).toEqual(expect.arrayContaining(names));
  }
});

test('compose mounts files that there are, and waits for longer than the server drains', () => {
  const text = read(compose);
  const mounted = [...text.matchAll(/^\s+- (\.\.?\/[^:]+):/gm)].map(([, path]) => path ?? '');
  expect(mounted.length).toBeGreaterThan(4);
  for (const path of mounted) expect(existsSync(join(root, dirname(compose), path))).toBe(true);
  const seconds = (pattern: RegExp) => Number(pattern.exec(text)?.[1]);
  const grace = seconds(/stop_grace_period: (\d+)s/);
  expect(grace).toBeGreaterThan(seconds(/MASKSTREAM_DRAIN_SECONDS: '(\d+)'/));
});

const checkCompose = (words: readonly string[], input?: string) =>
  spawnSync('docker-compose', ['-f', ...words, 'config', '-q'], {
    cwd: join(root, dirname(compose)),
    encoding: 'utf8',
    env: { ...process.env, MASKSTREAM_TOKEN: 'a-token-of-a-test', GRAFANA_PASSWORD: 'password' },
    ...(input === undefined ? {} : { input }),
  });

describe.runIf(has('docker-compose'))('compose.yaml', () => {
  test('fits the schema of compose', () => {
    const { status, stderr } = checkCompose([join(root, compose)]);
    expect(stderr.split('\n').filter((line) => /error|invalid/i.test(line))).toEqual([]);
    expect(status).toBe(0);
  });

  test('with a misspelt field does not', () => {
    const misspelt = read(compose).replace('    read_only:', '    readonly:');
    const { status, stderr } = checkCompose(['-'], misspelt);
    expect(stderr).toContain('readonly');
    expect(status).not.toBe(0);
  });
});

describe.runIf(has('systemd-analyze'))('maskstream.service', () => {
  test('is what systemd understands', () => {
    const words = ['verify', join(root, unit)];
    const { status, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
    expect(stderr.split('\n').filter((line) => line.includes('maskstream.service'))).toEqual([]);
    expect(status).toBe(0);
  });

  test('is exposed to little, by its own measure', () => {
    const words = ['security', '--offline=yes', '--threshold=35', join(root, unit)];
    const { status, stdout } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
    expect(stdout).toMatch(/Overall exposure level for maskstream\.service: [0-3]\.\d/);
    expect(status).toBe(0);
  });
});
