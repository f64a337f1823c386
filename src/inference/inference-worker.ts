import { parentPort, workerData } from 'node:worker_threads';
import { assertNever, SegmentationError } from '../frame/errors.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts';
import { openRunner, type Runner } from './runner.ts';

/*
 * Entry of an inference worker. onnxruntime-node blocks its thread while a graph loads or runs, so
 * graphs live here and the main thread only exchanges messages.
 */

const port = parentPort;
if (port === null) throw new Error('inference-worker runs as a worker thread only');

const send = (message: FromWorker): void => port.postMessage(message);

try {
  const runner = await openRunner(workerData as WorkerSetup);
  // One after the other: a release that arrives during a run must not overtake it.
  let previous: Promise<void> = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    previous = previous.then(() => handle(runner, message));
  });
  send({ kind: 'ready' });
} catch (reason) {
  const { code, message } = SegmentationError.from(reason);
  const text = reason instanceof Error ? reason.message : String(reason);
  send({
    kind: 'unusable',
    code: code === 'internal' ? 'model-load-failed' : code,
    message: code === 'internal' ? text : message,
  });
}

async function handle(runner: Runner, message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'release':
      runner.release(message.id);
      return;
    case 'job':
      try {
        send({ kind: 'done', result: await runner.run(message.job) });
      } catch (reason) {
        send({
          kind: 'failed',
          message: reason instanceof Error ? reason.message : String(reason),
        });
      }
      return;
    default:
      assertNever(message);
  }
}
