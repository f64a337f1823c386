import { connect, type SegmentationClient } from '../../clients/typescript/index.ts';
import { VideoStream } from '../../clients/typescript/video-stream.ts';
import { configMessage } from '../../clients/core/requests.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cameraClipFrom, cameraFrameRate, readPieces } from '../support/camera-clip.ts';
import { openGatewayCall } from '../support/gateway-call.ts';
import { countFrom, runLiveCameras, warmUpServer } from '../support/live-camera.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { type PageServer, startPageServer } from '../support/page-server.ts';
import { percentile } from '../support/percentile.ts';
import { readThreadTimes } from '../support/process-state.ts';

/*
 * What the page's gateway costs: the same live camera over gRPC and over a WebSocket, in turns, to
 * one server. Both clients are Node's and the same but for what carries the messages.
 *
 *   npm run bench gateway -- [options]
 *
 *   --runs N          of each way. Default: 3
 *   --seconds S       length of each. Default: 15
 *   --warm-up S       start of each run that is left out of the latencies. Default: 2
 *   --size WxH        Default: 640x360
 *   --objects N       most objects. Default: 1
 *   --bit-rate K      constant, in kbit/s. Default: 1000
 *   --source FOLDER   clip.mp4 and masks/00000.png, scaled. Default: the demo's scene
 */

const options = readBenchOptions({
  runs: '3',
  seconds: '15',
  'warm-up': '2',
  size: '640x360',
  objects: '1',
  'bit-rate': '1000',
  source: '',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const frames = Math.round(options.number('seconds') * cameraFrameRate);
const warmUpFrames = Math.round(options.number('warm-up') * cameraFrameRate);
await using clip = await cameraClipFrom(options, { ffmpeg, signal });
const pieces = await readPieces(clip, { ffmpeg, frames, signal });
const camera = { pieces, boxes: clip.boxes };

await using server = await startPageServer();
using client = connect(server.address);
const ways: readonly (readonly [string, Pick<SegmentationClient, 'segmentVideo'>])[] = [
  ['gRPC', client],
  ['WebSocket', gatewayClient(server)],
];
for (const [, way] of ways) await warmUpServer(camera, { client: way, signal });
const rows: string[][] = [];
for (let run = 1; run <= options.number('runs'); run++) {
  for (const [name, way] of ways) rows.push([`${name}, run ${run}`, ...(await measure(way))]);
}
console.log(`${machineName()}; one camera of ${options.text('size')}, ${cameraFrameRate} frames`);
console.log(`a second, ${clip.boxes.length} object(s), ${options.number('seconds')} s each\n`);
const columns =
  'way, dropped, p50 ms, p95 ms, main thread ms a frame, other threads ms, server and ffmpeg ms';
console.log(markdownTable(columns.split(', '), rows));

async function measure(way: Pick<SegmentationClient, 'segmentVideo'>): Promise<string[]> {
  const before = { threads: readThreadTimes(server.pid), allMs: server.cpuMs() ?? Number.NaN };
  const [run] = await runLiveCameras([camera], { client: way, signal });
  const after = { threads: readThreadTimes(server.pid), allMs: server.cpuMs() ?? Number.NaN };
  const { answers, dropped } = countFrom(warmUpFrames, run!);
  const latencies = answers.map(({ latencyMs }) => latencyMs);
  return [
    `${dropped} of ${answers.length + dropped}`,
    cell(percentile(latencies, 0.5)),
    cell(percentile(latencies, 0.95)),
    cell((after.threads.mainMs - before.threads.mainMs) / frames, 2),
    cell((after.threads.othersMs - before.threads.othersMs) / frames, 2),
    cell((after.allMs - before.allMs) / frames, 2),
  ];
}

/** The TypeScript client's stream over the gateway. */
function gatewayClient({ pageAddress }: PageServer): Pick<SegmentationClient, 'segmentVideo'> {
  const servers = [openGatewayCall(pageAddress)];
  return {
    segmentVideo: (config) => new VideoStream(configMessage(config), { servers, resumes: false }),
  };
}
