import { parentPort, workerData } from 'node:worker_threads';
import { connect } from '../../clients/typescript/index.ts';

/*
 * Entry of a thread that asks a server for its models over and over, away from the thread that hurts
 * it, and says after each answer how long it had none.
 */

const probeMs = 50;
const client = connect(String(workerData));
let last = performance.now();
for (;;) {
  await client.listModels({ timeoutMs: 200_000 }).catch(() => undefined);
  const now = performance.now();
  parentPort?.postMessage(now - last);
  last = now;
  await new Promise((resolve) => setTimeout(resolve, probeMs));
}
