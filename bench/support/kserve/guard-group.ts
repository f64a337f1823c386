import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Kills a process's group when this process is gone, however it ended: its end of the pipe closes then. A
 * server that nobody stops would hold its memory and a port for ever.
 */
export function guardGroup({ pid }: ChildProcess): ChildProcess | null {
  if (pid === undefined) return null;
  const words = ['-c', 'cat >/dev/null; kill -s KILL -- "-$0"', String(pid)];
  const guard = spawn('sh', words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Neither it nor its pipe keeps this process alive.
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  return guard;
}
