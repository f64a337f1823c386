import { SegmentationError } from './errors.ts';

/** What the system says when there is no more of something, by what it is. */
const shortages: Readonly<Record<string, string>> = {
  EMFILE: 'handles',
  ENFILE: 'handles',
  ENOMEM: 'memory',
  ENOBUFS: 'memory',
  EAGAIN: 'processes',
  ENOSPC: 'temporary space',
  EDQUOT: 'temporary space',
  EROFS: 'temporary space',
  ERR_WORKER_INIT_FAILED: 'threads',
  ERR_WORKER_OUT_OF_MEMORY: 'memory',
};

/**
 * A `server-exhausted` error where `cause` says that the process has run out of something; null for
 * any other. A shortage is the end of what asked for more, not of the process.
 */
export function shortageOf(cause: unknown): SegmentationError | null {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  const what = typeof code === 'string' ? shortages[code] : undefined;
  if (what === undefined) return null;
  return new SegmentationError('server-exhausted', `the server has no ${what} left for this now`, {
    cause,
  });
}
