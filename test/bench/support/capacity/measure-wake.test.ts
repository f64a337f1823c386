import { expect, test } from 'vitest';
import { measureWakeMs } from '../../../../bench/support/capacity/measure-wake.ts';

test.runIf(process.platform === 'linux')('a thread that sleeps pays for waking', async () => {
  const ms = await measureWakeMs();
  expect(ms).toBeGreaterThan(0.001);
  expect(ms).toBeLessThan(5);
});
