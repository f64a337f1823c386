import { stat } from 'node:fs/promises';

/** Secrets that an orchestrator renews are links whose target changes: watching by name sees that. */
const defaultIntervalMs = 5000;

/**
 * Calls `onChange` when one of the files is another than before: its time, size or place on the disk.
 * A file that is gone is waited for. The timer keeps no process alive.
 */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  intervalMs: number = defaultIntervalMs,
): Disposable {
  let known: string | null = null;
  const look = async (): Promise<void> => {
    const now = await Promise.all(files.map(fingerprint));
    if (now.includes(null)) return;
    const text = now.join();
    if (known !== null && text !== known) onChange();
    known = text;
  };
  void look();
  const timer = setInterval(() => void look(), intervalMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function fingerprint(file: string): Promise<string | null> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return null;
  }
}
