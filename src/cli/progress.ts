import type { CommandIo } from './command.ts';

const barCharacters = 24;
/** Ten updates a second look smooth; more only cost time. */
const terminalIntervalMs = 100;
/** A log of an hour's work stays short. */
const logIntervalMs = 10_000;

/** How far work is. */
export type ProgressState = {
  /** What is being worked on. */
  readonly label: string;
  readonly done: number;
  /** Null where nobody knows. */
  readonly total: number | null;
  /** Short text after the rate. */
  readonly detail?: string;
  /** What is counted. Default: frames. */
  readonly unit?: string;
};

/** Where progress is shown. */
export type ProgressLine = {
  draw(state: ProgressState): void;
  /** Clears the line, so that what follows starts at its beginning. */
  clear(): void;
};

/** Progress of one piece of work. */
export type Progress = {
  /** @param detail short text after the rate */
  update(done: number, detail?: string): void;
  /** Clears the line, so that what follows starts at its beginning. */
  finish(): void;
};

/**
 * A bar on a terminal, rewritten in place; elsewhere a plain line every ten seconds. Rates count from
 * now on.
 */
export function createProgressLine(io: CommandIo): ProgressLine {
  const { stderr } = io;
  const isTerminal = stderr.isTTY === true;
  const startedAtMs = performance.now();
  let drawnAtMs = isTerminal ? -Infinity : startedAtMs;
  return {
    draw(state) {
      const nowMs = performance.now();
      const intervalMs = isTerminal ? terminalIntervalMs : logIntervalMs;
      const isLast = isTerminal && state.done === state.total;
      if (nowMs - drawnAtMs < intervalMs && !isLast) return;
      drawnAtMs = nowMs;
      const seconds = Math.max(0.001, (nowMs - startedAtMs) / 1000);
      if (isTerminal) {
        const line = terminalLine(state, seconds);
        stderr.write(`\r\u001B[2K${line.slice(0, (stderr.columns || 80) - 1)}`);
      } else stderr.write(`maskstream: ${logLine(state, seconds)}\n`);
    },
    clear() {
      if (isTerminal) stderr.write('\r\u001B[2K');
    },
  };
}

/**
 * The same for one piece of work.
 *
 * @param label what is being worked on
 * @param total null: it counts
 * @param unit what is counted
 */
export function createProgress(
  io: CommandIo,
  label: string,
  total: number | null,
  unit = 'frames',
): Progress {
  const line = createProgressLine(io);
  return {
    update: (done, detail = '') => line.draw({ label, done, total, detail, unit }),
    finish: () => line.clear(),
  };
}

function terminalLine(state: ProgressState, seconds: number): string {
  const { label, done, total, detail = '', unit = 'frames' } = state;
  const count = total === null ? `${done} ${unit}` : `${bar(done / total)} ${done}/${total}`;
  const rate = `${(done / seconds).toFixed(1)}${unit === 'frames' ? '' : ` ${unit}`}/s`;
  const parts = [`${label} ${count}`, rate, timeLeft(done, total, seconds), detail];
  return parts.filter((part) => part !== '').join('  ');
}

function logLine(state: ProgressState, seconds: number): string {
  const { label, done, total, detail = '', unit = 'frames' } = state;
  const count = total === null ? `${done} ${unit}` : `${done} of ${total} ${unit}`;
  const rate = `${(done / seconds).toFixed(1)} ${unit}/s`;
  const parts = [`${label}: ${count}`, rate, timeLeft(done, total, seconds), detail];
  return parts.filter((part) => part !== '').join(', ');
}

function bar(ratio: number): string {
  const full = Math.round(Math.min(1, ratio) * barCharacters);
  return `[${'#'.repeat(full)}${'-'.repeat(barCharacters - full)}]`;
}

/** At the rate so far; empty where nobody knows, and at the end. */
function timeLeft(done: number, total: number | null, seconds: number): string {
  if (total === null || done === 0 || done >= total) return '';
  const left = Math.ceil(((total - done) / done) * seconds);
  if (left < 100) return `${left} s left`;
  const minutes = Math.ceil(left / 60);
  return minutes < 100 ? `${minutes} min left` : `${(minutes / 60).toFixed(1)} h left`;
}
