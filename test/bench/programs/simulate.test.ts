import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { roundCosts } from '../../fixtures/stream-costs.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'maskstream-simulate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function simulate(...words: string[]) {
  const program = ['dist/bench/run.js', 'simulate', ...words];
  return spawnSync(process.execPath, program, { cwd: root, encoding: 'utf8' });
}

function fileOf(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const costs = fileOf('costs.json', { machine: 'm', date: '2026-11-29', streams: [roundCosts] });

test('clusters are simulated from a file of costs, a row for each event', () => {
  const words = ['--stream', roundCosts.name, '--cameras', '4', '--seconds', '6'];
  const { status, stdout, stderr } = simulate('--costs', costs, ...words);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  for (const event of ['none', 'scene-cut', 'replica-lost', 'rolling-upgrade']) {
    expect(stdout).toMatch(
      new RegExp(`^\\| 4 \\| 2 \\| - \\| ${event} \\| \\d+ \\| \\d+ \\|`, 'm'),
    );
  }
  expect(stdout).toMatch(/^\| 4 \| 2 \| 1 \| inference-server-lost \|/m);
});

test('what was measured stands beside what is simulated', () => {
  const load = { cameras: 1, droppedShare: 0, p50Ms: 10, p95Ms: 20, keyframesPerAnswer: 0.1 };
  const words = ['--stream', roundCosts.name, '--measured', fileOf('loads.json', [load])];
  const { stdout } = simulate('--costs', costs, ...words);
  expect(stdout).toContain('| 1 | 10 / 10 | 20 / 13 | 0 / 0 | 0.100 / 0.103 | -37 % | 0 |');
});

test('a camera that the file does not have is refused with those it has', () => {
  const { status, stderr } = simulate('--costs', costs, '--stream', '4K');
  expect(status).not.toBe(0);
  expect(stderr).toContain(`expected one of "${roundCosts.name}", got "4K"`);
});
