import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { packageRoot } from '../../src/package-root.ts';
import { childrenOf } from '../../src/process-tree.ts';
import { sampleBomb } from '../support/hostile-files.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import type { Target } from '../support/hostile-calls.ts';
import { type HostileCase, hostileCases } from '../support/hostile-cases.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { readProcessState } from '../support/process-state.ts';

/*
 * What small messages do to a server, each on one of its own: the longest time in which a neighbour
 * had no answer, the most memory of the server and of its children, and whether it lives.
 *
 *   npm run bench hostile -- [options]
 *
 *   --serve PATH  program that is tried. Default: this package's bin/maskstream
 *   --cases N,N   numbers of cases, from 0. Default: all
 *   --limit N     seconds that a case may take. Default: 120
 */

const sampleMs = 100;

const options = readBenchOptions({ serve: '', cases: '', limit: '120' });
const program = options.text('serve') || join(packageRoot(), 'bin/maskstream');
const chosen = options.numbers('cases');
const limitMs = options.number('limit') * 1000;
const folder = mkdtempSync(join(tmpdir(), 'maskstream-hostile-'));
const files = await makeFiles();
console.log(`${machineName()}; ${program}\n`);
const rows: string[][] = [];
for (const [index, one] of hostileCases.entries()) {
  if (chosen.length > 0 && !chosen.includes(index)) continue;
  const row = await measure(one);
  console.error(row.join(' | '));
  rows.push(row);
}
const columns = ['case', 'outcome', 'silence s', 'server MB', 'children MB', 'process'];
console.log(markdownTable(columns, rows));
rmSync(folder, { recursive: true });
process.exit(0);

async function measure(one: HostileCase): Promise<string[]> {
  const server = await startServer(one.launcher ?? []);
  const before = readProcessState(server.pid).residentMb;
  let ended = false;
  let most = before;
  let mostChildren = 0;
  const sampling = setInterval(() => {
    try {
      most = Math.max(most, readProcessState(server.pid).residentMb);
      mostChildren = Math.max(mostChildren, childrenMb(server.pid));
    } catch {
      ended = true;
    }
  }, sampleMs);
  const neighbour = watchNeighbour(server.address);
  const outcome = await one
    .run({ ...files, address: server.address, limitMs })
    .catch((error: unknown) => `failed: ${String(error)}`);
  // What the attack left to do is part of its price.
  await neighbour.settled(limitMs);
  clearInterval(sampling);
  const silenceMs = await neighbour.stop();
  server.stop();
  return [
    one.name,
    outcome,
    cell(silenceMs / 1000, 1),
    `${cell(before, 0)} to ${cell(most, 0)}`,
    cell(mostChildren, 0),
    ended ? 'ended' : 'lives',
  ];
}

/** A neighbour in a thread of its own; the longest time that it had no answer. */
function watchNeighbour(address: string) {
  const entry = new URL('../support/neighbour-thread.js', import.meta.url);
  const thread = new Worker(entry, { workerData: address });
  let longest = 0;
  let last = performance.now();
  thread.on('message', (gapMs: number) => {
    longest = Math.max(longest, gapMs);
    last = performance.now();
  });
  return {
    /** Resolves when the neighbour is answered as usual again. */
    settled: async (timeoutMs: number) => {
      const startedMs = performance.now();
      for (let quick = 0; quick < 10 && performance.now() - startedMs < timeoutMs;) {
        await new Promise((resolve) => setTimeout(resolve, sampleMs));
        quick = performance.now() - last < sampleMs * 3 ? quick + 1 : 0;
      }
    },
    stop: async () => {
      const silenceMs = Math.max(longest, performance.now() - last);
      await thread.terminate();
      return silenceMs;
    },
  };
}

function childrenMb(pid: number): number {
  return childrenOf(pid).reduce((sum, id) => {
    const { residentMb } = readProcessState(id);
    // One that has ended and is not reaped has no memory; a sandbox's monitor has ffmpeg below it.
    return sum + (Number.isNaN(residentMb) ? 0 : residentMb) + childrenMb(id);
  }, 0);
}

async function startServer(launcher: readonly string[]) {
  const serve = [program, 'serve', '--listen', '127.0.0.1:0', '--log-level', 'error'];
  const [first = '', ...words] = [...launcher, process.execPath, ...serve];
  const child = spawn(first, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /^listening on (.*:\d+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { address, pid: child.pid ?? 0, stop: () => child.kill('SIGKILL') };
}

async function makeFiles(): Promise<Omit<Target, 'address' | 'limitMs'>> {
  const ffmpeg = await findConfiguredFfmpeg();
  const make = async (name: string, source: string, words: string) => {
    const path = join(folder, name);
    const input = ['-v', 'error', '-y', '-f', 'lavfi', '-i', source];
    await promisify(execFile)(ffmpeg.path, [...input, ...words.split(' '), path]);
    return readFileSync(path);
  };
  const h264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags +faststart';
  return {
    video4k: await make('4k.mp4', 'testsrc2=s=4096x2304:r=30', `-frames:v 5 ${h264}`),
    hugePng: await make('huge.png', 'color=gray:s=11968x8000', '-frames:v 1 -pix_fmt gray'),
    largePng: await make('large.png', 'testsrc2=s=4096x4096', '-frames:v 1 -pix_fmt rgb24'),
    sampleBomb: sampleBomb(12, 18_000_000),
  };
}
