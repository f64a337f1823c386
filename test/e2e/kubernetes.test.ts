import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { configVariables } from '../../src/config.ts';

const root = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'maskstream-kubernetes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const overlays = readdirSync(`${root}/overlays`).map((name) => `overlays/${name}`);
const missing = [
  ['kubectl', ['version', '--client']],
  ['kubernetes-validate', ['--help']],
].find(([command, words]) => spawnSync(command as string, words as string[]).error !== undefined);
if (missing) console.log(`kubernetes: skipped, there is no ${String(missing[0])} on this machine`);

describe.skipIf(missing !== undefined)('manifests', () => {
  test.each(['base', ...overlays])('%s is built, and every resource fits its schema', (name) => {
    const manifests = build(name);
    const { status, stdout, stderr } = validate(manifests);
    expect(stdout + stderr).toContain('passed for resource deployment/maskstream');
    expect(status).toBe(0);
    for (const kind of [
      'Deployment',
      'Service',
      'PodDisruptionBudget',
      'HorizontalPodAutoscaler',
    ]) {
      expect(manifests).toMatch(new RegExp(`^kind: ${kind}$`, 'm'));
    }
  });

  test('a misspelt field is found', () => {
    const misspelt = build('base').replace('  replicas: 2', '  replica: 2');
    const { status, stdout, stderr } = validate(misspelt);
    expect(status).toBe(1);
    expect(stdout + stderr).toContain("'replica' was unexpected");
  });

  test('all settings are settings of the server', () => {
    const named = [...build('base').matchAll(/name: (MASKSTREAM_\w+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(4);
    expect(configVariables).toEqual(expect.arrayContaining(named));
  });

  test('the cluster waits for longer than the server drains', () => {
    const manifests = build('base');
    const seconds = (pattern: RegExp) => Number(pattern.exec(manifests)?.[1]);
    const grace = seconds(/terminationGracePeriodSeconds: (\d+)/);
    const drain = seconds(/MASKSTREAM_DRAIN_SECONDS\n\s+value: "(\d+)"/);
    const pause = seconds(/sleep:\n\s+seconds: (\d+)/);
    expect(grace).toBeGreaterThan(drain + pause);
  });
});

function build(name: string): string {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', `${root}/${name}`], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

function validate(manifests: string) {
  const file = join(folder, 'manifests.yaml');
  writeFileSync(file, manifests);
  return spawnSync('kubernetes-validate', ['--strict', file], { encoding: 'utf8' });
}
