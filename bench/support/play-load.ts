import { connect } from '../../clients/typescript/index.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { cameraFrameRate } from './camera-clip.ts';
import { countCpu, type SpentCpu } from './count-cpu.ts';
import type { LiveCamera, LiveRun } from './live-camera.ts';
import { countFrom, runLiveCameras, warmUpServer } from './live-camera.ts';

/** So many cameras that show the same, on a server of their own. */
export type LoadOptions = {
  readonly cameras: number;
  /** Frames at the start that are left out. */
  readonly warmUpFrames: number;
  /** Of one model run. */
  readonly threads: number;
  readonly signal: AbortSignal;
};

/** What was answered and spent after the warm-up. */
export type PlayedLoad = SpentCpu &
  Pick<LiveRun, 'answers'> & {
    readonly dropped: number;
    /** All of them, the warm-up too. */
    readonly runs: readonly LiveRun[];
  };

/** Plays cameras to a server in a process of its own, and counts what it spends. */
export async function playLoad(live: LiveCamera, options: LoadOptions): Promise<PlayedLoad> {
  const { cameras, warmUpFrames, threads, signal } = options;
  await using server = await startServerProcess(['--threads', String(threads)], {
    ...process.env,
    MASKSTREAM_MAX_STREAMS: String(cameras),
  });
  using client = connect(server.address);
  const receiver = { client, signal };
  await warmUpServer(live, receiver);
  const running = runLiveCameras(
    Array.from({ length: cameras }, () => live),
    receiver,
  );
  const frameMs = 1000 / cameraFrameRate;
  const spending = countCpu(server, {
    fromMs: warmUpFrames * frameMs,
    toMs: live.pieces.length * frameMs - 200,
  });
  const runs = await running;
  const counted = runs.map((run) => countFrom(warmUpFrames, run));
  return {
    ...(await spending),
    answers: counted.flatMap((one) => one.answers),
    dropped: counted.reduce((sum, one) => sum + one.dropped, 0),
    runs,
  };
}
