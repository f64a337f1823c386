import { writeFileSync } from 'node:fs';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import {
  cameraFrameRate,
  createCameraClip,
  pictureSize,
  readPieces,
} from '../support/camera-clip.ts';
import { coreMsPerSecond, type StreamCosts } from '../support/capacity/costs.ts';
import { measureStream } from '../support/capacity/measure-stream.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';

/*
 * What one live camera costs a server: decoding, flow, keyframes, answers, by picture size and number
 * of objects, from one camera and from two on an idle machine. Prints a table; the file goes into
 * `npm run bench simulate`.
 *
 *   npm run bench capacity -- [options]
 *
 *   --sizes LIST     Default: 640x360,1280x720,1920x1080
 *   --objects LIST   Default: 1,2
 *   --bit-rate K     constant, in kbit/s; 0: constant quality, twice as heavy to decode. Default: 0
 *   --seconds S      length of each run. Default: 10
 *   --warm-up S      start of each run that is left out. Default: 2
 *   --threads N      threads of one model run. Default: 2
 *   --out FILE       the costs as JSON. Default: none
 */

const options = readBenchOptions({
  sizes: '640x360,1280x720,1920x1080',
  objects: '1,2',
  'bit-rate': '0',
  seconds: '10',
  'warm-up': '2',
  threads: '2',
  out: '',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const frames = Math.round(options.number('seconds') * cameraFrameRate);
const warmUpFrames = Math.round(options.number('warm-up') * cameraFrameRate);

const streams: StreamCosts[] = [];
for (const size of options.list('sizes')) {
  for (const maxObjects of options.numbers('objects')) {
    try {
      streams.push(await measure(size, maxObjects));
    } catch (error) {
      // Two cameras of this kind are more than the machine bears; the others are worth their time.
      console.error(error instanceof Error ? error.message : String(error));
    }
  }
}
print();
if (options.text('out') !== '') {
  const file = { machine: machineName(), date: new Date().toISOString().slice(0, 10), streams };
  writeFileSync(options.text('out'), `${JSON.stringify(file, null, 2)}\n`);
}

async function measure(size: string, maxObjects: number): Promise<StreamCosts> {
  const bitRateKbps = options.number('bit-rate');
  const filming = {
    ffmpeg,
    source: null,
    size: pictureSize(size),
    maxObjects,
    bitRateKbps,
    signal,
  };
  await using clip = await createCameraClip(filming);
  const pieces = await readPieces(clip, { ffmpeg, frames, signal });
  const name = `${size}, ${maxObjects} ${maxObjects === 1 ? 'object' : 'objects'}`;
  const threads = options.number('threads');
  return await measureStream({ name, clip, pieces, warmUpFrames, threads, signal });
}

function print(): void {
  console.log(`${machineName()}; ${cameraFrameRate} frames a second, ms of one core a frame\n`);
  const rows = streams.map((costs) => [
    costs.name,
    cell(costs.decodeMs, 2),
    cell(costs.mainMs + costs.mainMsPerSecond / costs.frameRate, 2),
    cell(costs.flowMs + costs.outputMs, 2),
    cell(costs.refineMs * costs.refinedShare, 2),
    cell(costs.keyframeMs, 1),
    cell(costs.keyframeMs / costs.framesBetweenKeyframes, 2),
    cell(coreMsPerSecond(costs) / 1000, 2),
    cell((costs.bytesIn * 8 * costs.frameRate) / 1e6, 2),
    cell((costs.bytesOut * 8 * costs.frameRate) / 1e6, 3),
  ]);
  const columns =
    'camera,decoding,main thread,flow and masks,refining,one keyframe,keyframes a frame,cores,Mbit/s in,Mbit/s out';
  console.log(markdownTable(columns.split(','), rows));
}
