import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { examine } from '../../../src/cli/doctor/doctor.ts';
import { captureCli } from '../../fixtures/capture-cli.ts';
import { systemFfmpeg } from '../../fixtures/encoded-clips.ts';

const { signal } = new AbortController();

type Report = {
  readonly ok: boolean;
  readonly faults: number;
  readonly findings: readonly { section: string; name: string; value: unknown }[];
};

test('doctor --json says what is here, and that a server would start', async () => {
  const { code, stdout } = await captureCli(['doctor', '--json']);
  const report = JSON.parse(stdout) as Report;
  expect({ code, ok: report.ok, faults: report.faults }).toEqual({ code: 0, ok: true, faults: 0 });
  const value = (section: string, name: string) =>
    report.findings.find((one) => one.section === section && one.name === name)?.value;
  expect(value('versions', 'maskstream')).toMatch(/^\d+\.\d+\.\d+/);
  expect(value('model', 'name')).toBe('maskstream-tiny');
  expect(value('model', 'providers')).toContain('cpu');
  expect(value('model', 'self-test IoU')).toBeGreaterThan(0.9);
  expect(value('decoder', 'version')).not.toBe('');
  expect(value('decoder', 'confinement')).toBe(systemFfmpeg.confinement.kind);
  const held = report.findings.filter(
    ({ section, name }) => section === 'decoder' && name === 'holds',
  );
  expect(held.map((finding) => finding.value)).toEqual(systemFfmpeg.confinement.holds);
});

test('as text, a line for each answer, under the name of its section', async () => {
  const { code, stdout } = await captureCli(['doctor']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^versions\n {2}maskstream +\d/m);
  expect(stdout).toMatch(/^model\n/m);
  expect(stdout).toMatch(/^ {2}confinement +(?:sandbox|privileges|none)/m);
  expect(stdout).toMatch(/^ {2}gRPC +127\.0\.0\.1:50051 is /m);
});

test('what would keep a server from starting is a fault, and exit code 1', async () => {
  const { code, stdout, stderr } = await captureCli(['doctor', '--model', 'nothing']);
  expect(code).toBe(1);
  expect(stdout).toContain('! expected a model name or a folder with manifest.json, got "nothing"');
  expect(stderr).toContain('expected no fault, got 1: model: expected a model name');
  // What comes after a fault is looked at all the same.
  expect(stdout).toMatch(/^ports\n/m);
});

test('settings that cannot be read are one fault', async () => {
  const findings = await examine({ MASKSTREAM_LISTEN: 'nowhere' }, signal);
  const faults = findings.filter(({ problem }) => problem?.kind === 'fault');
  expect(faults.map(({ section, problem }) => [section, problem?.text])).toEqual([
    ['settings', 'MASKSTREAM_LISTEN: expected HOST:PORT, got "nowhere"'],
  ]);
});

test('a port in use is a warning: a server may run already', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const bound = taken.address();
  const port = typeof bound === 'object' ? bound?.port : 0;
  const overrides = { MASKSTREAM_LISTEN: `127.0.0.1:${port}`, MASKSTREAM_WEB_PORT: 'off' };
  const findings = await examine(overrides, signal);
  taken.close();
  expect(findings.find(({ name }) => name === 'gRPC')).toMatchObject({
    value: `127.0.0.1:${port} is in use`,
    problem: { kind: 'warning' },
  });
});

test('a server that is open to others is warned of', async () => {
  const overrides = { MASKSTREAM_LISTEN: '0.0.0.0:0', MASKSTREAM_WEB_PORT: 'off' };
  const text = JSON.stringify(await examine(overrides, signal));
  expect(text).toContain('MASKSTREAM_TOKEN is not set: whoever reaches it is served');
});
