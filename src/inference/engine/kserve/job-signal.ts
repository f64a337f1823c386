import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The signal of the job that runs now, for calls that can be given up. Layouts between a job and its
 * graphs know no jobs, and ports keep their graphs longer than any.
 */
export const jobSignal = new AsyncLocalStorage<AbortSignal>();
