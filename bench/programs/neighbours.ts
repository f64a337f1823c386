import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from '../../clients/typescript/index.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { childrenOf } from '../../src/process-tree.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cameraClipFrom, cameraFrameRate, readPieces } from '../support/camera-clip.ts';
import { countFrom, runLiveCameras, warmUpServer } from '../support/live-camera.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { badNeighbours } from '../support/bad-neighbours.ts';
import { percentile } from '../support/percentile.ts';
import { readProcessState } from '../support/process-state.ts';

/*
 * One live camera, alone and beside a client that behaves badly, in turns on one server: p95 of its
 * answers, frames that it lost, and the most memory of the server and its decoders meanwhile.
 *
 *   npm run bench neighbours -- [options]
 *
 *   --seconds S   length of each run. Default: 8, of which 2 are left out
 *   --cases LIST  numbers of neighbours, from 0. Default: all
 *   --size WxH    of the camera. Default: 1280x720
 */

const warmUpFrames = 2 * cameraFrameRate;
const sampleMs = 200;

const options = readBenchOptions({
  seconds: '8',
  cases: '',
  size: '1280x720',
  objects: '1',
  'bit-rate': '3000',
  source: '',
});
// 500 idle streams are refused otherwise.
process.env['MASKSTREAM_MAX_STREAMS'] = '600';
const { signal } = new AbortController();
setMaxListeners(0, signal);
const ffmpeg = await findConfiguredFfmpeg();
await using clip = await cameraClipFrom(options, { ffmpeg, signal });
const frames = Math.round(options.number('seconds') * cameraFrameRate);
const pieces = await readPieces(clip, { ffmpeg, frames, signal });
const long = await readPieces(clip, { ffmpeg, frames: 40 * cameraFrameRate, signal });
const chosen = options.numbers('cases');
const rows: string[][] = [];
for (const [index, neighbour] of badNeighbours.entries()) {
  if (chosen.length > 0 && !chosen.includes(index)) continue;
  await using server = await startServerProcess([]);
  using client = connect(server.address);
  const camera = { pieces, boxes: clip.boxes };
  const receiver = { client, signal };
  await warmUpServer(camera, receiver);
  const run = async () => {
    const [live] = await runLiveCameras([camera], receiver);
    if (live === undefined) throw new Error('expected a run');
    const { answers, dropped } = countFrom(warmUpFrames, live);
    return {
      p95: percentile(
        answers.map(({ latencyMs }) => latencyMs),
        0.95,
      ),
      dropped,
    };
  };
  const alone = await run();
  const restMb = residentMb(server.pid);
  const stop = await neighbour.start({ address: server.address, pieces: long });
  let mostMb = 0;
  const sampling = setInterval(() => {
    mostMb = Math.max(mostMb, residentMb(server.pid));
  }, sampleMs);
  const beside = await run();
  clearInterval(sampling);
  stop();
  await wait(500);
  const after = await run();
  const quiet = (alone.p95 + after.p95) / 2;
  rows.push([
    neighbour.name,
    cell(quiet, 0),
    cell(beside.p95, 0),
    cell(beside.p95 / quiet, 2),
    `${alone.dropped}, ${beside.dropped}, ${after.dropped}`,
    cell(restMb, 0),
    cell(mostMb, 0),
  ]);
  console.error(rows.at(-1)?.join(' | '));
}
console.log(`${machineName()}; ${options.text('size')}, ${options.number('seconds')} s a run\n`);
const columns =
  'neighbour;p95 alone ms;p95 beside ms;ratio;dropped before, beside, after;MB at rest;most MB';
console.log(markdownTable(columns.split(';'), rows));

/** Of the server and all that it started, a sandbox's children too. */
function residentMb(pid: number): number {
  let own = 0;
  try {
    own = readProcessState(pid).residentMb;
  } catch {
    // It has just ended.
  }
  const children = childrenOf(pid).reduce((sum, child) => sum + residentMb(child), 0);
  return (Number.isNaN(own) ? 0 : own) + children;
}
