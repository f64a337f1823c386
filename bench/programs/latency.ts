import { fileURLToPath } from 'node:url';
import { connect } from '../../clients/typescript/index.ts';
import type { VideoConfig } from '../../clients/typescript/index.ts';
import type { ServerProcess } from '../../src/evaluation/server-process.ts';
import { startListener, startServerProcess } from '../../src/evaluation/server-process.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cameraFrameRate, cameraClipFrom, readPieces } from '../support/camera-clip.ts';
import type { LiveAnswer } from '../support/live-camera.ts';
import { countFrom, runLiveCameras, warmUpServer } from '../support/live-camera.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * Whether a slow backbone delays frames that are not its own: latency of one live camera in LATEST
 * with an image encoder that is stretched by busy computation, against that of a stream that is
 * propagated only (one keyframe, at the prompt). Masks of asynchronous keyframes are carried forward,
 * so that later frames need not wait.
 *
 *   npm run bench latency -- [options]
 *
 *   --encoder-ms MS      time of one encoder run. Default: 300
 *   --busy-threads LIST  threads that compute meanwhile. Default: 1,2
 *   --seconds S          length of each run. Default: 20
 *   --warm-up S          start of each run that is left out. Default: 3
 *   --size WxH           Default: 640x360
 *   --objects N          most objects. Default: 2
 *   --bit-rate K     constant, in kbit/s (a camera's: 3000). Default: 0, constant quality, twice as heavy
 *   --source FOLDER      clip.mp4 and masks/00000.png, scaled. Default: the demo's scene
 */

const options = readBenchOptions({
  'encoder-ms': '300',
  'busy-threads': '1,2',
  seconds: '20',
  'warm-up': '3',
  size: '640x360',
  objects: '2',
  'bit-rate': '0',
  source: '',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const frames = Math.round(options.number('seconds') * cameraFrameRate);
const warmUpFrames = Math.round(options.number('warm-up') * cameraFrameRate);
const slowServer = fileURLToPath(new URL('../support/slow-server.js', import.meta.url));
await using clip = await cameraClipFrom(options, { ffmpeg, signal });
const pieces = await readPieces(clip, { ffmpeg, frames, signal });
const encoderMs = options.text('encoder-ms');

type Row = {
  readonly name: string;
  readonly answers: readonly LiveAnswer[];
  readonly dropped: number;
  readonly encoderRuns: number;
};

const never = { fixedInterval: 1000 };
const rows = [
  await measure('propagated frames alone', () => startServerProcess([]), never),
  await measure('adaptive, encoder as it is', () => startServerProcess([])),
];
for (const threads of options.list('busy-threads')) {
  const words = [slowServer, '--encoder-ms', encoderMs, '--busy-threads', threads];
  const name = `adaptive, encoder ${encoderMs} ms on ${threads} thread(s)`;
  rows.push(await measure(name, () => startListener(words)));
}
print();

async function measure(
  name: string,
  start: () => Promise<ServerProcess>,
  keyframes?: VideoConfig['keyframes'],
): Promise<Row> {
  await using server = await start();
  using client = connect(server.address);
  const camera = { pieces, boxes: clip.boxes };
  const receiver = { client, signal };
  await warmUpServer(camera, receiver);
  const [run] = await runLiveCameras([keyframes ? { ...camera, keyframes } : camera], receiver);
  const { encoderRuns } = run!.summary;
  return { name, encoderRuns, ...countFrom(warmUpFrames, run!) };
}

function print(): void {
  console.log(`${machineName()}; one camera of ${options.text('size')} at ${cameraFrameRate}`);
  console.log(
    `frames a second, ${clip.boxes.length} objects, ${options.number('seconds')} s each\n`,
  );
  const [alone] = rows;
  const p95Alone = percentile(alone?.answers.map(latencyOf) ?? [], 0.95);
  const table = rows.map((row) => {
    const latencies = row.answers.map(latencyOf);
    const p95 = percentile(latencies, 0.95);
    return [
      row.name,
      `${row.dropped} of ${row.answers.length + row.dropped}`,
      String(row.encoderRuns),
      cell(percentile(latencies, 0.5)),
      cell(p95),
      cell(percentile(latencies, 0.99)),
      cell(p95 / p95Alone, 2),
    ];
  });
  const columns = ['stream', 'dropped', 'encoder runs', 'p50 ms', 'p95 ms', 'p99 ms', 'p95 ratio'];
  console.log(markdownTable(columns, table));
}

function latencyOf({ latencyMs }: LiveAnswer): number {
  return latencyMs;
}
