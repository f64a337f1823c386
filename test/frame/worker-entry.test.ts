import { expect, test } from 'vitest';
import { workerEntry } from '../../src/frame/worker-entry.ts';

test('a worker is found beside its caller, or from source in the build', () => {
  expect(workerEntry('file:///app/dist/src/pipeline/pool.js', 'worker').href).toBe(
    'file:///app/dist/src/pipeline/worker.js',
  );
  expect(workerEntry('file:///app/src/pipeline/pool.ts', 'worker').href).toBe(
    'file:///app/dist/src/pipeline/worker.js',
  );
});
