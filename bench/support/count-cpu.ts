import type { ServerProcess } from '../../src/evaluation/server-process.ts';
import { readThreadTimes } from './process-state.ts';

/** CPU over some time, in milliseconds. */
export type SpentCpu = {
  readonly cpu: {
    readonly main: number;
    readonly others: number;
    /** Decoders. */
    readonly children: number;
    /** This process: senders and readers. */
    readonly client: number;
  };
  readonly wallMs: number;
};

/** CPU of a server and this process from one moment to another, while all threads and children live. */
export async function countCpu(
  server: ServerProcess,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<SpentCpu> {
  await wait(fromMs);
  const from = readCpu(server);
  await wait(toMs - fromMs);
  const to = readCpu(server);
  const main = to.main - from.main;
  const others = to.others - from.others;
  const children = to.all - from.all - main - others;
  const client = to.client - from.client;
  return { cpu: { main, others, children, client }, wallMs: to.atMs - from.atMs };
}

function readCpu(server: ServerProcess) {
  const { mainMs, othersMs } = readThreadTimes(server.pid);
  const all = server.cpuMs() ?? Number.NaN;
  const { user, system } = process.cpuUsage();
  const client = (user + system) / 1000;
  return { main: mainMs, others: othersMs, all, client, atMs: performance.now() };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
