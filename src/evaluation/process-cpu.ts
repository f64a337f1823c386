import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of /proc, fixed at 100 in the Linux ABI. */
const ticksPerSecond = 100;

/** Of one process, in milliseconds and ids. */
type ProcessTimes = { readonly parent: number; readonly cpuMs: number };

/**
 * CPU time of a process, its children that have ended and all that still run, user and system, in
 * milliseconds; null where there is no /proc (only Linux has it) or no such process.
 */
export function processCpuMs(pid: number): number | null {
  const own = readTimes(pid);
  if (own === null) return null;
  const live = liveChildren(pid).map((child) => processCpuMs(child) ?? 0);
  return live.reduce((sum, cpuMs) => sum + cpuMs, own.cpuMs);
}

function liveChildren(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => readTimes(candidate)?.parent === pid);
}

function readTimes(pid: number): ProcessTimes | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the command in brackets and may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // proc(5): utime, stime, cutime and cstime are fields 14 to 17, counted from 1; state is the 3rd.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), cpuMs: (ticks * 1000) / ticksPerSecond };
}
