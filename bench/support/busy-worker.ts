import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

/*
 * Entry of a thread that computes for as long as it is told and then answers, as a model that is
 * slow would: it keeps a core busy, which sleeping would not.
 */

// As the model's own thread; see src/inference/worker/worker.ts.
if (process.platform === 'linux') setPriority(0, 5);

parentPort?.on('message', (untilMs: number) => {
  let value = 1;
  // The clock of this thread and of the main one have origins of their own: the epoch is shared.
  while (performance.timeOrigin + performance.now() < untilMs) {
    for (let step = 0; step < 1000; step++) value = Math.fround(value * 1.000_001 + 1e-9);
  }
  parentPort?.postMessage(value);
});
