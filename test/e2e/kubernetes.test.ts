import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { configVariables } from '../../src/settings.ts';
import { loadManifest } from '../../src/inference/index.ts';
import { packageRoot } from '../../src/package-root.ts';

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
    const built = ['base', 'overlays/triton'].map(build).join('');
    const named = [...built.matchAll(/name: (MASKSTREAM_\w+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(4);
    expect(configVariables).toEqual(expect.arrayContaining(named));
  });

  test('what the cards’ pods are let do is theirs alone', () => {
    const policies = build('overlays/triton')
      .split('---')
      .filter((one) => one.includes('NetworkPolicy'));
    const selectors = policies.map(
      (one) =>
        /podSelector:\n\s+matchLabels:\n\s+app.kubernetes.io\/name: (\w+)\n\s+policyTypes/.exec(
          one,
        )?.[1],
    );
    expect(new Set(selectors)).toEqual(new Set(['maskstream', 'triton']));
    // An eviction fails where a pod has two budgets.
    const budgets = build('overlays/triton')
      .split('---')
      .filter((one) => one.includes('kind: PodDisruptionBudget'));
    const budgeted = budgets.map(
      (one) => /selector:\n\s+matchLabels:\n\s+app.kubernetes.io\/name: (\w+)/.exec(one)?.[1],
    );
    expect(new Set(budgeted)).toEqual(new Set(['maskstream', 'triton']));
  });

  test('Triton is on the cards, and maskstream asks each of its pods by name', () => {
    const manifests = build('overlays/triton');
    expect(manifests).toContain('nvidia.com/gpu: "1"');
    expect(manifests).toContain('nvidia.com/gpu.present: "true"');
    const replicas = Number(/kind: StatefulSet[^]*?replicas: (\d+)/.exec(manifests)?.[1]);
    const addresses = Array.from({ length: replicas }, (_, i) => `triton-${i}.triton:8001`);
    expect(manifests).toContain(
      `MASKSTREAM_KSERVE_ADDRESSES\n          value: ${addresses.join(',')}\n`,
    );
  });

  test('the model that Triton serves is the one that maskstream checks it against', async () => {
    const config = readFileSync(`${root}/overlays/triton/config.pbtxt`, 'utf8');
    const { name, graphs } = await loadManifest(join(packageRoot(), 'models/maskstream-tiny'));
    expect(config).toContain(`name: "${name}-encoder"\n`);
    const { encoder } = graphs;
    const tensors = [...Object.values(encoder.inputs), ...Object.values(encoder.outputs)];
    const written = [...config.matchAll(/name: "(\w+)" data_type: TYPE_FP32 dims: \[(.*?)\]/g)];
    expect(written.map(([, tensor, dims]) => `${tensor} ${dims}`)).toEqual(
      tensors.map((tensor) => `${tensor.name} ${tensor.shape.slice(1).join(', ')}`),
    );
    const copied = /models\/(maskstream-tiny)\/(\S+\.onnx)'/.exec(build('overlays/triton'));
    expect(copied?.slice(1)).toEqual([name, encoder.file]);
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
