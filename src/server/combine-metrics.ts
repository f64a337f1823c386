import type { ServerMetrics } from './server-metrics.ts';

/** Tells each of them everything. */
export function combineMetrics(all: readonly ServerMetrics[]): ServerMetrics {
  return {
    callOpened: (kind) => all.forEach((one) => one.callOpened(kind)),
    callEnded: (kind, end) => all.forEach((one) => one.callEnded(kind, end)),
    refused: (reason) => all.forEach((one) => one.refused(reason)),
    frame: (result) => all.forEach((one) => one.frame(result)),
    summary: (summary, counted) => all.forEach((one) => one.summary(summary, counted)),
    notice: (notice) => all.forEach((one) => one.notice(notice)),
    prompt: (answer) => all.forEach((one) => one.prompt(answer)),
    workerRestarted: (worker) => all.forEach((one) => one.workerRestarted(worker)),
    inferenceCall: (call) => all.forEach((one) => one.inferenceCall(call)),
    watchInferenceServers: (servers) => all.forEach((one) => one.watchInferenceServers(servers)),
    watchQueue: (name, length) => all.forEach((one) => one.watchQueue(name, length)),
    watchLoad: (total) => all.forEach((one) => one.watchLoad(total)),
  };
}
