import { unwatchFile, watchFile as pollFile, type Stats } from 'node:fs';

const pollMs = 1000;

/**
 * Calls `onChange` after every change of a file and every SIGHUP, one after the other, until `signal`.
 * The file is looked at every second: what editors, mounts and links do to it is a change each.
 */
export function watchFile(
  file: string,
  { onChange, signal }: { readonly onChange: () => Promise<void>; readonly signal: AbortSignal },
): void {
  let last = Promise.resolve();
  const change = () => {
    last = last.then(onChange);
  };
  const look = (now: Stats, before: Stats) => {
    // A file that is gone for a moment is not read.
    if (now.ino !== 0 && (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)) change();
  };
  pollFile(file, { interval: pollMs, persistent: false }, look);
  process.on('SIGHUP', change);
  const stop = () => {
    unwatchFile(file, look);
    process.off('SIGHUP', change);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
}
