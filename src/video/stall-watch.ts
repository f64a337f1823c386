import { SegmentationError } from '../frame/errors.ts';
import { processCpuMs } from '../process-tree.ts';
import type { FfmpegProcess } from './ffmpeg/process.ts';
import type { PictureStream } from './picture-stream.ts';

/** Looks at progress this often within one timeout. */
const looksPerTimeout = 8;

/**
 * Fails `pictures` when ffmpeg has had input for `timeoutMs` and finished no frame, or has spent as
 * much processor time on one: a small input may keep it busy for ever. A sender that pauses and a
 * receiver that is slow do not count: only time in which ffmpeg could have worked.
 */
export function watchForStall<P>(options: {
  readonly child: Pick<FfmpegProcess, 'pid' | 'stdin'>;
  readonly pictures: Pick<PictureStream<P>, 'completed' | 'untaken' | 'fail'>;
  readonly timeoutMs: number;
  /** Processor time of a process in milliseconds. Default: as /proc says. */
  readonly cpuTimeMs?: (pid: number) => number | null;
}): { close(): void } {
  const { child, pictures, timeoutMs, cpuTimeMs = processCpuMs } = options;
  let seen = -1;
  let idleLooks = 0;
  /** When the last frame came; null: not known yet. */
  let cpuMsBefore: number | null = null;
  const fail = (what: string): void =>
    pictures.fail(
      new SegmentationError(
        'decoder-stalled',
        `expected a frame within ${timeoutMs} ms of ${what}, got none after frame ${seen}`,
      ),
    );
  const lookAtProcessor = (hasMoved: boolean): void => {
    const cpuMs = child.pid === undefined ? null : cpuTimeMs(child.pid);
    if (cpuMs === null) return;
    if (hasMoved || cpuMsBefore === null) cpuMsBefore = cpuMs;
    else if (cpuMs - cpuMsBefore >= timeoutMs) fail('processor time');
  };
  const timer = setInterval(() => {
    const hasInput = child.stdin.writableLength > 0 || child.stdin.writableEnded;
    const hasMoved = pictures.completed !== seen;
    if (hasMoved || pictures.untaken || !hasInput) idleLooks = 0;
    else idleLooks++;
    seen = pictures.completed;
    lookAtProcessor(hasMoved);
    if (idleLooks >= looksPerTimeout) fail('input');
  }, timeoutMs / looksPerTimeout);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
