import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { createDisFlow } from '../../tracking/flow/dis.ts';
import { createFarnebackFlow } from '../../tracking/flow/farneback.ts';
import { Tracker } from '../../tracking/tracker.ts';
import type { RemoteTrackerOptions, TrackerCall, TrackerReply } from './messages.ts';

/*
 * Entry of a tracking thread: some milliseconds of flow per frame and camera on the main thread
 * would starve gRPC. Calls of one stream come one at a time; streams share the thread.
 */

/** Niceness of tracking threads. */
const trackingNiceness = 2;

// A decoder that is starved lets encoded video grow old where nothing can be dropped; a tracker that
// is starved drops frames and says so. Linux sets the priority of the calling thread; elsewhere it
// would be the whole process's.
if (process.platform === 'linux') setPriority(0, trackingNiceness);

const trackers = new Map<number, Tracker>();

async function open(streamId: number, options: RemoteTrackerOptions): Promise<void> {
  const engine = options.flowEngine === 'dis' ? createDisFlow() : await createFarnebackFlow();
  trackers.set(streamId, new Tracker({ ...options, engine }));
}

async function answer(call: TrackerCall): Promise<unknown> {
  if (call.method === 'open') {
    return await open(call.streamId, call.arguments[0] as RemoteTrackerOptions);
  }
  const tracker = trackers.get(call.streamId);
  if (!tracker) throw new Error(`no tracker for stream ${call.streamId}`);
  if (call.method === 'close') trackers.delete(call.streamId);
  const method = tracker[call.method] as (...parameters: readonly unknown[]) => unknown;
  return method.apply(tracker, call.arguments as unknown[]);
}

parentPort?.on('message', (call: TrackerCall) => {
  void answer(call).then(
    (result) => parentPort?.postMessage({ callId: call.callId, result } satisfies TrackerReply),
    (reason: unknown) => {
      const error = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
      parentPort?.postMessage({ callId: call.callId, error } satisfies TrackerReply);
    },
  );
});
