import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCardMemory } from '../src/card-memory.ts';

test('the driver’s tool says what each card has in use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-cards-'));
  try {
    const tool = join(folder, 'nvidia-smi');
    await writeFile(tool, "#!/bin/sh\nprintf '0, 2743\\n1, 4\\n'\n", { mode: 0o755 });
    expect(await readCardMemory(tool)).toEqual([
      { card: '0', mb: 2743 },
      { card: '1', mb: 4 },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('without the tool nothing is said', async () => {
  expect(await readCardMemory('/nowhere/nvidia-smi')).toBeNull();
});
