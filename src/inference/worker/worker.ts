import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { assertNever, SegmentationError } from '../../frame/errors.ts';
import type { JobContext } from '../engine/kserve/job-context.ts';
import { NativeGate } from './native-gate.ts';
import { nativeGuard } from './guarded-graph.ts';
import { openRunner, type Runner } from './runner.ts';
import type { FromWorker, ToWorker, WorkerJob, WorkerResults, WorkerStart } from './messages.ts';

/*
 * Entry of an inference worker. onnxruntime-node blocks its thread while a graph loads or runs, so
 * graphs live here and the main thread only exchanges messages.
 */

const port = parentPort;
if (port === null) throw new Error('the inference worker runs as a worker thread only');

const { setup, gate: gateMemory } = workerData as WorkerStart;
const gate = new NativeGate(gateMemory);
const send = (message: FromWorker, moved: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, moved);
const onStandstill = (): void => send({ kind: 'standstill' });

/** Niceness of threads that run the model; tracking threads have the same. */
const modelNiceness = 2;

// Decoders go first: what waits for them grows old and cannot be dropped. Keyframes and flow share
// what is left evenly: with keyframes behind flow (niceness 5), four to six cameras on two cores had
// none any more, and answered with masks that had drifted. Linux sets the priority of the calling
// thread, and the runtime's own threads inherit it; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(0, modelNiceness);

const guard = nativeGuard(gate, onStandstill);
const runner = await openRunner(setup, {
  guard,
  onReach: (reachable, reason) => send({ kind: 'reach', reachable, reason }),
  onCall: (call) => send({ kind: 'server-call', call }),
  onState: (state) => send({ kind: 'server-state', state }),
}).catch(reportUnusable);
guard.leave();
if (runner !== null) {
  const cancels = new Map<number, AbortController>();
  port.on('message', (message: ToWorker) => handle(runner, message, cancels));
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

/** The queue sends a job only when it may begin, and a release when no job reads the features. */
function handle(target: Runner, message: ToWorker, cancels: Map<number, AbortController>): void {
  switch (message.kind) {
    case 'release':
      target.release(message.id);
      return;
    case 'cancel':
      cancels.get(message.id)?.abort();
      return;
    case 'job': {
      const { id, job, mayFallBack } = message;
      const cancel = new AbortController();
      cancels.set(id, cancel);
      void answer(target, job, { signal: cancel.signal, mayFallBack })
        .then((given) =>
          send({ ...given, id }, given.kind === 'done' ? memoryOf(given.result) : []),
        )
        .finally(() => cancels.delete(id));
      return;
    }
    default:
      assertNever(message);
  }
}

/** Logits that nobody here has any more: they are handed over, not copied. */
function memoryOf(result: WorkerResults[keyof WorkerResults]): ArrayBuffer[] {
  if (!Array.isArray(result)) return [];
  return result.flatMap((one) =>
    'logits' in one && one.logits.buffer instanceof ArrayBuffer ? [one.logits.buffer] : [],
  );
}

async function answer(target: Runner, job: WorkerJob, context: JobContext): Promise<Answer> {
  try {
    return { kind: 'done', result: await target.run(job, context) };
  } catch (reason) {
    const code = reason instanceof SegmentationError ? reason.code : 'model-failed';
    const message = reason instanceof Error ? reason.message : String(reason);
    return { kind: 'failed', code, message };
  }
}

type Answer =
  | Omit<Extract<FromWorker, { kind: 'done' }>, 'id'>
  | Omit<Extract<FromWorker, { kind: 'failed' }>, 'id'>;
