import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Where somebody else wants the processor, a tenth of what he gets is left. */
const niceness = 10;

/**
 * Lets processes have what others leave of the processors. Linux may divide them between sessions first
 * (sched(7), autogroups), so that a niceness counts within a session only: a child in a session of its
 * own, as decoders are, lowers that, too. Where that is not to be had nothing happens.
 *
 * @returns false where Linux asks to come again: it takes ten such changes in a second
 */
export function yieldProcessor(pids: readonly number[]): boolean {
  let done = true;
  for (const pid of pids) {
    try {
      setPriority(pid, niceness);
      const group = autogroupOf(pid);
      if (group === null || group === autogroupOf('self')) continue;
      writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') done = false;
    }
  }
  return done;
}

/** Name of a process' autogroup; null where there are none. */
function autogroupOf(pid: number | 'self'): string | null {
  try {
    return readFileSync(`/proc/${pid}/autogroup`, 'latin1').split(' ')[0] ?? null;
  } catch {
    return null;
  }
}
