import { readFileSync } from 'node:fs';

/** Clock ticks a second of /proc, fixed at 100 in the Linux ABI. */
const ticksPerSecond = 100;

/** Ids of the processes that the main thread of one has started; empty where there is no /proc. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.split(' ').map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

/**
 * Processor time that a process and those that it has started have taken, user and system, in
 * milliseconds: a sandbox has a monitor before ffmpeg. Null where there is no /proc, or no such
 * process any more.
 */
export function cpuMsOf(pid: number): number | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // proc(5): utime and stime are fields 14 and 15, counted from 1; the second, the command, may hold
  // spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ownMs = ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  return childrenOf(pid).reduce((sum, child) => sum + (cpuMsOf(child) ?? 0), ownMs);
}
