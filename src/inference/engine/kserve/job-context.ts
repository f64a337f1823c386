import { AsyncLocalStorage } from 'node:async_hooks';

/** What a job asks of calls to inference servers. */
export type JobContext = {
  /** Gives the calls up. */
  readonly signal: AbortSignal;
  /** While no server answers, the graph may run here; otherwise the call waits for a server. */
  readonly mayFallBack: boolean;
};

/**
 * The context of the job that runs now. Layouts between a job and its graphs know no jobs, and ports
 * keep their graphs longer than any.
 */
export const jobContext = new AsyncLocalStorage<JobContext>();
