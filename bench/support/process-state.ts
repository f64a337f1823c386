import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf, readCpuTimes, threadsOf } from '../../src/process-tree.ts';

/** What a process holds at one moment (Linux only). */
export type ProcessState = {
  readonly residentMb: number;
  readonly threads: number;
  /** Open file descriptors: sockets and pipes too. */
  readonly handles: number;
  readonly children: number;
};

/** Reads what a process holds. Throws where there is no /proc or no such process. */
export function readProcessState(pid: number): ProcessState {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    residentMb: field('VmRSS') / 1024,
    threads: field('Threads'),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    children: childrenOf(pid).length,
  };
}

/** CPU time of the threads of one process that still run, in milliseconds. */
export type ThreadTimes = {
  /** Node's main thread: gRPC, the order of things. */
  readonly mainMs: number;
  /** All others: model, optical flow, garbage collection, libuv. */
  readonly othersMs: number;
};

/** Reads the CPU time of a process's threads, its children left out. */
export function readThreadTimes(pid: number): ThreadTimes {
  let mainMs = 0;
  let othersMs = 0;
  for (const id of threadsOf(pid)) {
    const cpuMs = readCpuTimes(`/proc/${pid}/task/${id}/stat`)?.ownMs ?? 0;
    if (id === pid) mainMs += cpuMs;
    else othersMs += cpuMs;
  }
  return { mainMs, othersMs };
}
