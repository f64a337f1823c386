import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of /proc, fixed at 100 in the Linux ABI. */
const ticksPerSecond = 100;

/** Processor time, user and system, in milliseconds. */
export type CpuTimes = {
  readonly ownMs: number;
  /** Of children that have ended and were waited for. */
  readonly endedChildrenMs: number;
};

/** Ids of the processes that any thread of one has started; empty where there is no /proc. */
export function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const text = readIfThere(`/proc/${pid}/task/${thread}/children`) ?? '';
    return text.split(' ').map(Number).filter(Boolean);
  });
}

/** Ids of a process's threads, its main one has the process's; empty where there is no /proc. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/**
 * CPU time of a process, its children that have ended and all that still run, in milliseconds; null
 * where there is no /proc (only Linux has it) or no such process.
 */
export function processCpuMs(pid: number): number | null {
  const times = readCpuTimes(`/proc/${pid}/stat`);
  if (times === null) return null;
  const live = childrenOf(pid).map((child) => processCpuMs(child) ?? 0);
  return live.reduce((sum, cpuMs) => sum + cpuMs, times.ownMs + times.endedChildrenMs);
}

/** Reads the `stat` file of a process or thread, as proc(5) has it; null where there is none. */
export function readCpuTimes(path: string): CpuTimes | null {
  const text = readIfThere(path);
  if (text === null) return null;
  // The second field is the command in brackets and may hold spaces and brackets itself; utime, stime,
  // cutime and cstime are fields 14 to 17, counted from 1.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ms = (from: number): number =>
    ((Number(fields[from]) + Number(fields[from + 1])) * 1000) / ticksPerSecond;
  return { ownMs: ms(11), endedChildrenMs: ms(13) };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null; // It ended since it was listed, or this is no Linux.
  }
}
