import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** Calls of each kind, and how many are under way at once where the thread is kept busy. */
const calls = 400;
const atOnce = 16;

/** Between two wakes, so that the thread sleeps. */
const pauseMs = 3;

/** Answers each message at once. */
const echo = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (message) => parentPort.postMessage(message));
`;

/**
 * What it costs this thread to wake, in milliseconds of a core: calls to a worker with pauses between
 * them, of which each wakes it twice, beside calls that follow one another. Linux only.
 */
export async function measureWakeMs(): Promise<number> {
  const worker = new Worker(echo, { eval: true });
  try {
    const waiting: (() => void)[] = [];
    worker.on('message', () => waiting.shift()?.());
    const call = (): Promise<void> => {
      const answered = new Promise<void>((resolve) => waiting.push(resolve));
      worker.postMessage({ streamId: 1, method: 'advance' });
      return answered;
    };
    await Promise.all(Array.from({ length: atOnce }, call));
    const busyMs = await perCall(async () => {
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let i = 0; i < calls / atOnce; i++) await call();
        }),
      );
    });
    const pausedMs = await perCall(async () => {
      for (let i = 0; i < calls; i++) {
        await call();
        await wait(pauseMs);
      }
    });
    return Math.max(0, pausedMs - busyMs) / 2;
  } finally {
    await worker.terminate();
  }
}

async function perCall(work: () => Promise<void>): Promise<number> {
  const fromMs = mainThreadMs();
  await work();
  return (mainThreadMs() - fromMs) / calls;
}

/** Run time of the main thread, to the nanosecond; see proc_schedstat(5). */
function mainThreadMs(): number {
  const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(
    ' ',
  );
  return Number(nanoseconds) / 1e6;
}
