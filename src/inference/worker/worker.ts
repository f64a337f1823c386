import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { assertNever, SegmentationError } from '../../frame/errors.ts';
import { NativeGate } from './native-gate.ts';
import { openRunner, type Runner } from './runner.ts';
import type { FromWorker, ToWorker, WorkerJob, WorkerStart } from './messages.ts';

/*
 * Entry of an inference worker. onnxruntime-node blocks its thread while a graph loads or runs, so
 * graphs live here and the main thread only exchanges messages.
 */

const port = parentPort;
if (port === null) throw new Error('the inference worker runs as a worker thread only');

const { setup, gate: gateMemory } = workerData as WorkerStart;
const gate = new NativeGate(gateMemory);
const send = (message: FromWorker): void => port.postMessage(message);
const onStandstill = (): void => send({ kind: 'standstill' });

/** Niceness of threads that run the model; tracking threads have the same. */
const modelNiceness = 2;

// Decoders go first: what waits for them grows old and cannot be dropped. Keyframes and flow share
// what is left evenly: with keyframes behind flow (niceness 5), four to six cameras on two cores had
// none any more, and answered with masks that had drifted. Linux sets the priority of the calling
// thread, and the runtime's own threads inherit it; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(0, modelNiceness);

const runner = await openRunner(setup).catch(reportUnusable);
gate.leave(onStandstill);
if (runner !== null) {
  // One after the other: a release that arrives during a run must not overtake it.
  let previous: Promise<void> = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    previous = previous.then(() => handle(runner, message));
  });
  send({ kind: 'ready' });
}

function reportUnusable(reason: unknown): null {
  const { code, message } = SegmentationError.from(reason);
  const text = reason instanceof Error ? reason.message : String(reason);
  send({
    kind: 'unusable',
    code: code === 'internal' ? 'model-load-failed' : code,
    message: code === 'internal' ? text : message,
  });
  return null;
}

async function handle(target: Runner, message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'release':
      target.release(message.id);
      return;
    case 'job':
      send(await answer(target, message.job));
      return;
    default:
      assertNever(message);
  }
}

async function answer(target: Runner, job: WorkerJob): Promise<FromWorker> {
  gate.enter();
  try {
    return { kind: 'done', result: await target.run(job) };
  } catch (reason) {
    return { kind: 'failed', message: reason instanceof Error ? reason.message : String(reason) };
  } finally {
    gate.leave(onStandstill);
  }
}
