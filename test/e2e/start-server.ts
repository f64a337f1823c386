import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { connect, type SegmentationClient } from '../../clients/typescript/index.ts';
import { liveFrames } from '../../src/frame/frame.ts';
import { loadModel } from '../../src/inference/index.ts';
import { killWorker } from '../../src/inference/worker/queue.ts';
import { createTrackerPool, runSession } from '../../src/pipeline/index.ts';
import {
  createServer,
  type MaskstreamServer,
  resolveServerLimits,
  type ServerLimits,
} from '../../src/server/index.ts';
import { createDecoder, createImageDecoder } from '../../src/video/index.ts';
import { childIds, systemFfmpeg } from '../video/clips.ts';

/** A server with real ffmpeg and the embedded model on a free port, and a client of it. */
export type TestServer = AsyncDisposable & {
  readonly server: MaskstreamServer;
  readonly client: SegmentationClient;
  readonly port: number;
  /** What the server logged as an error. */
  readonly errors: object[];
  /** How each stream ended, as logged. */
  readonly ended: { readonly code: string; readonly framesOut: number }[];
  /** Kills the thread that runs the model. */
  killModelWorker(): Promise<void>;
  /** Resolves when the last stream left nothing behind: no place, no frame, no child. */
  settled(): Promise<void>;
};

/** Starts it; the caller disposes it. The model runs on one thread. */
export async function startServer(limits: Partial<ServerLimits> = {}): Promise<TestServer> {
  const { signal } = new AbortController();
  const directory = fileURLToPath(new URL('../../models/maskstream-tiny', import.meta.url));
  const restartListeners = new Set<() => void>();
  const onWorkerRestart = (): void => {
    for (const listener of restartListeners) listener();
  };
  const threads = 1;
  const model = await loadModel({ directory, provider: 'cpu', threads, onWorkerRestart, signal });
  const trackers = createTrackerPool({ maxThreads: 1 });
  const parts = {
    segmenter: model,
    trackers,
    nowMs: () => performance.now(),
    watchRestarts: (listener: () => void) => {
      restartListeners.add(listener);
      return () => restartListeners.delete(listener);
    },
  };
  const decode = createDecoder({
    ffmpeg: systemFfmpeg,
    maxFramePixels: resolveServerLimits(limits).maxFramePixels,
  });
  const decodeImage = createImageDecoder({ ffmpeg: systemFfmpeg });
  const errors: object[] = [];
  const ended: TestServer['ended'] = [];
  const server = createServer({
    sessions: {
      openVideo: (inputs, options) => runSession(inputs, options, { ...parts, decode }),
      openImage: (inputs, options) =>
        runSession(inputs, options, { ...parts, decode: decodeImage }),
    },
    models: [model.info],
    limits,
    log: {
      info: (fields, message) => {
        if (message === 'stream ended') ended.push(fields as TestServer['ended'][number]);
      },
      warn: () => {},
      error: (fields) => void errors.push(fields),
    },
  });
  const port = await server.start({ host: '127.0.0.1', port: 0 });
  const client = connect(`127.0.0.1:${port}`);
  return {
    server,
    client,
    port,
    errors,
    ended,
    killModelWorker: () => (model as unknown as Killable)[killWorker](),
    settled: async () => {
      await expect
        .poll(() => [server.activeStreams, liveFrames(), childIds().length], { timeout: 10_000 })
        .toEqual([0, 0, 0]);
    },
    [Symbol.asyncDispose]: async () => {
      client.close();
      await server.close();
      await Promise.all([model.close(), trackers.close()]);
    },
  };
}

type Killable = { [killWorker](lane?: 'heavy' | 'light'): Promise<void> };
