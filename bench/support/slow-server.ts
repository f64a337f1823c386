import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createJsonLogger } from '../../src/cli/json-logger.ts';
import { packageRoot } from '../../src/package-root.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readConfig } from '../../src/config.ts';
import type { LoadedModel } from '../../src/inference/index.ts';
import { loadModel } from '../../src/inference/index.ts';
import { createTrackerPool, runSession } from '../../src/pipeline/index.ts';
import { createServer } from '../../src/server/index.ts';
import { createDecoder, createImageDecoder } from '../../src/video/index.ts';
import { readBenchOptions } from './bench-options.ts';

/*
 * A server like `maskstream serve` whose image encoder takes longer: the real one runs, then
 * threads compute until the time is over. For bench/latency.
 *
 *   node dist/bench/support/slow-server.js --encoder-ms MS --busy-threads N
 */

const options = readBenchOptions({ 'encoder-ms': '300', 'busy-threads': '2' });
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const config = readConfig({ MASKSTREAM_LISTEN: '127.0.0.1:0', MASKSTREAM_WEB_PORT: 'off' });
const ffmpeg = await findConfiguredFfmpeg();
await using model = await loadModel({
  directory: join(packageRoot(), 'models', config.model),
  threads: config.modelThreads,
  signal: stop.signal,
});
const threads = Array.from(
  { length: options.number('busy-threads') },
  () => new Worker(new URL('./busy-worker.js', import.meta.url)),
);
const trackers = createTrackerPool({ maxThreads: config.trackerWorkers });
const parts = {
  segmenter: slowed(model, options.number('encoder-ms')),
  trackers,
  nowMs: () => performance.now(),
};
const decode = createDecoder({ ffmpeg });
const decodeImage = createImageDecoder({ ffmpeg });
const server = createServer({
  sessions: {
    openVideo: (inputs, session) => runSession(inputs, session, { ...parts, decode }),
    openImage: (inputs, session) => runSession(inputs, session, { ...parts, decode: decodeImage }),
  },
  models: [model.info],
  limits: { maxStreams: config.maxStreams },
  log: createJsonLogger('error', process.stderr),
  transport: { kind: 'insecure' },
});
const port = await server.start(config.listen);
console.log(`listening on 127.0.0.1:${port}`);
if (!stop.signal.aborted) await once(stop.signal, 'abort');
await server.close();
await trackers.close();
await Promise.all(threads.map((thread) => thread.terminate()));

type SlowedModel = Pick<LoadedModel, 'info' | 'encode' | 'decode' | 'refine' | 'findText'>;

/** The same model; one encoding at a time is stretched, as one worker runs them. */
function slowed(real: LoadedModel, encoderMs: number): SlowedModel {
  let previous: Promise<unknown> = Promise.resolve();
  return {
    info: real.info,
    encode: async (frame, signal, view) => {
      const turn = previous.then(async () => {
        const untilMs = performance.timeOrigin + performance.now() + encoderMs;
        const features = await real.encode(frame, signal, view);
        await Promise.all(threads.map((thread) => compute(thread, untilMs)));
        return features;
      });
      previous = turn.catch(() => undefined);
      return await turn;
    },
    decode: (...call) => real.decode(...call),
    refine: (...call) => real.refine(...call),
    findText: (...call) => real.findText(...call),
  };
}

async function compute(thread: Worker, untilMs: number): Promise<void> {
  thread.postMessage(untilMs);
  await once(thread, 'message');
}
