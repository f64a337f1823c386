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

/** Niceness of threads whose results may come late, and of those that work for the frame at hand. */
const keyframeNiceness = 5;
const refinerNiceness = 2;

// Flow, ffmpeg and gRPC have a frame to deliver every 33 ms, a keyframe's result is carried forward
// when it comes: under load p95 of LATEST fell from 3 times that of propagated frames alone to about
// the same. Linux sets the priority of the calling thread, and the runtime's own threads inherit
// it; elsewhere it would be the whole process's. The refiner works for the frame at hand, but gives
// way to decoders as tracking does: what waits there grows old and cannot be dropped.
if (process.platform === 'linux') {
  setPriority(0, setup.roles.includes('encoder') ? keyframeNiceness : refinerNiceness);
}

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
