import { expect, test } from 'vitest';
import { cpuFeatures, lookAtMachine } from '../../../src/cli/doctor/machine.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';

test('vector instructions are read as Linux writes them, for both kinds of processor', () => {
  const intel = 'processor\t: 0\nflags\t\t: fpu avx2 sse4_2 fma avx512_vnni\nbugs\t\t:\n';
  expect(cpuFeatures(intel)).toEqual(['sse4_2', 'avx2', 'fma', 'avx512_vnni']);
  expect(cpuFeatures('processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n')).toEqual([
    'asimd',
    'asimddp',
    'i8mm',
  ]);
  expect(cpuFeatures('processor\t: 0\n')).toBeNull();
  expect(cpuFeatures(null)).toBeNull();
});

test('this machine has a processor and memory', () => {
  const findings: Pick<Finding, 'name' | 'value'>[] = [];
  lookAtMachine((name, value) => void findings.push({ name, value }));
  const value = (name: string) => findings.find((finding) => finding.name === name)?.value;
  expect(value('processors')).toBeGreaterThan(0);
  expect(value('memory')).toMatch(/^\d+\.\d GiB, \d+\.\d free$/);
});
