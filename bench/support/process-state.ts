import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of /proc, fixed at 100 in the Linux ABI. */
const ticksPerSecond = 100;

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
    children: threadIds(pid).flatMap((id) => childrenOf(pid, id)).length,
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
  for (const id of threadIds(pid)) {
    const cpuMs = threadCpuMs(pid, id);
    if (id === String(pid)) mainMs += cpuMs;
    else othersMs += cpuMs;
  }
  return { mainMs, othersMs };
}

function threadIds(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`);
}

function threadCpuMs(pid: number, id: string): number {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1');
  } catch {
    return 0; // It ended since it was listed.
  }
  // proc(5): utime and stime are fields 14 and 15; the name in brackets may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

function childrenOf(pid: number, id: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${id}/children`, 'latin1').split(' ').filter(Boolean);
  } catch {
    return [];
  }
}
