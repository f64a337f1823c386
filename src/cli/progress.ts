import type { CommandIo } from './command.ts';

const barCharacters = 24;
/** Ten updates a second look smooth; more only cost time. */
const intervalMs = 100;

/** A line that is rewritten while work goes on. */
export type Progress = {
  /** @param detail short text after the count, such as the rate */
  update(done: number, detail?: string): void;
  /** Clears the line, so that what follows starts at its beginning. */
  finish(): void;
};

/**
 * A progress bar on a terminal, nothing in a pipe. Without a `total` it counts.
 *
 * @param label what is being worked on
 */
export function createProgress(io: CommandIo, label: string, total: number | null): Progress {
  if (io.stderr.isTTY !== true) return { update: () => undefined, finish: () => undefined };
  const startedAtMs = performance.now();
  let drawnAtMs = -Infinity;
  return {
    update(done, detail = '') {
      const nowMs = performance.now();
      if (nowMs - drawnAtMs < intervalMs && done !== total) return;
      drawnAtMs = nowMs;
      const rate = (done / Math.max(0.001, (nowMs - startedAtMs) / 1000)).toFixed(1);
      const count = total === null ? `${done} frames` : `${bar(done / total)} ${done}/${total}`;
      const line = `${label} ${count}  ${rate}/s  ${detail}`;
      io.stderr.write(`\r\u001B[2K${line.slice(0, (io.stderr.columns ?? 80) - 1)}`);
    },
    finish: () => void io.stderr.write('\r\u001B[2K'),
  };
}

function bar(ratio: number): string {
  const full = Math.round(Math.min(1, ratio) * barCharacters);
  return `[${'#'.repeat(full)}${'-'.repeat(barCharacters - full)}]`;
}
