import { connect, type SegmentationClient } from '../../clients/typescript/index.ts';
import { parseKeyframes } from '../../src/calls/keyframes.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cameraClipFrom, readPieces } from '../support/camera-clip.ts';
import { cell, machineName, markdownTable, tableLine } from '../support/markdown-table.ts';

/*
 * Frames a second of several streams at once in EVERY_FRAME, each sent as fast as the server takes it:
 * what workers and cards bring. One server for all rows; settings such as MASKSTREAM_PLACEMENT are
 * taken from the environment.
 *
 *   npm run bench throughput -- [options]
 *
 *   --streams LIST   numbers of streams at a time. Default: 1,2,4
 *   --seconds S      counted time of each row. Default: 6
 *   --warm-up S      before it. Default: 2
 *   --keyframes LIST one every K frames, or adaptive. Default: 1
 *   --size WxH       Default: 640x360
 *   --objects N      most objects of each stream. Default: 1
 *   --bit-rate K     constant, in kbit/s. Default: 0, constant quality
 *   --source FOLDER  clip.mp4 and masks/00000.png, scaled. Default: the demo's scene
 *   --threads N      threads of one model run. Default: 2
 */

/** More than any row reads; a stream ends when its time is over. */
const sentFrames = 9000;

const options = readBenchOptions({
  streams: '1,2,4',
  seconds: '6',
  'warm-up': '2',
  keyframes: '1',
  size: '640x360',
  objects: '1',
  'bit-rate': '0',
  source: '',
  threads: '2',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
await using clip = await cameraClipFrom(options, { ffmpeg, signal });
const pieces = await readPieces(clip, { ffmpeg, frames: sentFrames, signal });
const counts = options.numbers('streams');
const startedMs = performance.now();
await using server = await startServerProcess(['--threads', options.text('threads')], {
  ...process.env,
  MASKSTREAM_MAX_STREAMS: String(Math.max(1, ...counts)),
});
const startSeconds = (performance.now() - startedMs) / 1000;
using client = connect(server.address);
console.log(`${machineName()}; ${options.text('size')}, ${clip.boxes.length} objects a stream,`);
console.log(`server listening after ${cell(startSeconds)} s\n`);
const columns = ['streams', 'keyframes every', 'frames a second', 'slowest stream', 'cores busy'];
let isFirst = true;
for (const keyframes of options.list('keyframes')) {
  for (const streams of counts) {
    const measured = await measure(streams, keyframes).catch((error: unknown) => [
      error instanceof Error ? error.message : String(error),
    ]);
    const row = [String(streams), keyframes, ...measured];
    console.log(isFirst ? markdownTable(columns, [row]) : tableLine(row));
    isFirst = false;
  }
}

/** Frames answered a second by all streams and by the slowest, and cores of the server. */
async function measure(streams: number, keyframes: string): Promise<string[]> {
  const over = new AbortController();
  const answered = Array.from({ length: streams }, () => 0);
  const running = answered.map((_, k) =>
    runStream(client, keyframes, over.signal, () => (answered[k]! += 1)),
  );
  // Streams that fail end the wait; those that are stopped at its end do not.
  const failed = Promise.all(running);
  const pause = (seconds: number) => Promise.race([elapsed(seconds), failed]);
  await pause(options.number('warm-up'));
  const before = {
    frames: [...answered],
    cpu: server.cpuMs() ?? Number.NaN,
    at: performance.now(),
  };
  await pause(options.number('seconds'));
  const seconds = (performance.now() - before.at) / 1000;
  const rates = answered.map((frames, k) => (frames - before.frames[k]!) / seconds);
  const cores = ((server.cpuMs() ?? Number.NaN) - before.cpu) / 1000 / seconds;
  over.abort();
  await failed;
  return [cell(rates.reduce((sum, rate) => sum + rate, 0)), cell(Math.min(...rates)), cell(cores)];
}

function elapsed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Sends the clip until `over`; its end by that is no failure. */
async function runStream(
  to: Pick<SegmentationClient, 'segmentVideo'>,
  keyframes: string,
  over: AbortSignal,
  onFrame: () => void,
): Promise<void> {
  using stream = to.segmentVideo(
    { container: 'mp4', delivery: 'every-frame', keyframes: parseKeyframes(keyframes) },
    { signal: over },
  );
  const acks = clip.boxes.map((box, index) =>
    stream.prompt({ objectId: index + 1, box, at: { frameIndex: 0 } }),
  );
  const receive = async () => {
    for await (const result of stream) if (result.kind === 'masks') onFrame();
  };
  const send = async () => {
    for (const piece of pieces) await stream.sendChunk(piece);
    stream.end();
  };
  try {
    await Promise.all([send(), receive(), ...acks, stream.summary]);
  } catch (error) {
    if (!over.aborted) throw error;
  }
}
