import { readdirSync, readFileSync } from 'node:fs';
import { processCpuMs } from '../../src/process-tree.ts';

/**
 * CPU time of this process's browsers since they started, in milliseconds: all of its children whose
 * program is called like Chromium, and theirs (Linux only).
 */
export function browserCpuMs(): number {
  const own = String(process.pid);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isBrowserOf(own, name))
    .reduce((sum, pid) => sum + (processCpuMs(Number(pid)) ?? 0), 0);
}

function isBrowserOf(parent: string, pid: string): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[1] === parent && /chrom/.test(name);
  } catch {
    return false; // It ended since it was listed.
  }
}
