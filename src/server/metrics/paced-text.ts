import { setTimeout as wait } from 'node:timers/promises';

/**
 * Asks `render` for a text that takes its time to make, at most once in `pauseMs`: who asks meanwhile
 * gets the next one, which is made for all that wait. No text is older than its question.
 */
export function pacedText(render: () => Promise<string>, pauseMs: number): () => Promise<string> {
  let endedMs = -Infinity;
  /** The one that is still to be begun. */
  let next: Promise<string> | null = null;
  let running: Promise<unknown> = Promise.resolve();
  const make = async (before: Promise<unknown>): Promise<string> => {
    await before;
    const restMs = endedMs + pauseMs - performance.now();
    if (restMs > 0) await wait(Math.ceil(restMs));
    next = null;
    try {
      return await render();
    } finally {
      endedMs = performance.now();
    }
  };
  return () => {
    if (next !== null) return next;
    next = make(running);
    // Whoever asked sees that it failed.
    running = next.catch(() => undefined);
    return next;
  };
}
