/*
 * Weights of Linux's fair scheduler (sched_prio_to_weight) for the niceness that each kind of thread
 * has: decoders and the main thread 0, those of flow and model 2.
 */
export const decoderWeight = 1024;
export const mainWeight = 1024;
export const trackerWeight = 655;
export const modelWeight = 655;
