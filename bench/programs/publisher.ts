import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { packageRoot } from '../../src/package-root.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';
import { readProcessState, readThreadTimes } from '../support/process-state.ts';
import { type RtspCamera, startRtspCamera } from '../support/rtsp-camera.ts';

/*
 * What the publisher costs the machine beside the camera, and how old masks are by the camera's clock:
 * a real RTSP server (GStreamer, H.264 of a constant rate), the publisher as users start it, and a
 * server, each in a process of its own. The camera's encoder and the server work on the same machine.
 *
 *   npm run bench publisher -- [options]
 *
 *   --transports LIST  tcp, udp. Default: tcp,udp
 *   --patterns LIST    of GStreamer's videotestsrc. Default: ball,snow
 *   --seconds S        length of each run. Default: 20
 *   --warm-up S        start of each run that is left out. Default: 5
 *   --size WxH         Default: 1280x720
 *   --rate N           frames a second. Default: 30
 *   --bit-rate K       kbit/s. Default: 3000, a camera's
 *   --threads N        threads of one model run. Default: 2
 */

const options = readBenchOptions({
  transports: 'tcp,udp',
  patterns: 'ball,snow',
  seconds: '20',
  'warm-up': '5',
  size: '1280x720',
  rate: '30',
  'bit-rate': '3000',
  threads: '2',
});

/** A line as `maskstream publish` prints it, with when it came. */
type Line = {
  readonly frame_index: number;
  readonly capture_timestamp_us: number | null;
  readonly capture_clock: 'camera' | 'arrival' | null;
  readonly cameAtUs: number;
};

const nowUs = () => (performance.timeOrigin + performance.now()) * 1000;
const folder = await mkdtemp(join(tmpdir(), 'maskstream-bench-'));
try {
  const rows: string[][] = [];
  for (const pattern of options.list('patterns')) {
    for (const transport of options.list('transports')) rows.push(await run(pattern, transport));
  }
  print(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function run(pattern: string, transport: string): Promise<string[]> {
  const [size, rate] = [options.text('size'), options.number('rate')];
  const bitRate = options.number('bit-rate');
  await using camera = await startRtspCamera({ pattern, size, rate, gop: 2 * rate, bitRate });
  await using server = await startServerProcess(['--threads', options.text('threads')]);
  const prompts = join(folder, 'prompts.json');
  // The middle, where the ball passes.
  const [width = 0, height = 0] = size.split('x').map(Number);
  const box = [width * 0.35, height * 0.35, width * 0.3, height * 0.3].map(Math.round);
  await writeFile(prompts, JSON.stringify({ version: 1, prompts: [{ object_id: 1, box }] }));
  const words = ['--input', camera.url, '--to', server.address, '--prompts', prompts];
  const program = join(packageRoot(), 'dist/clients/publisher/main.js');
  const child = spawn(
    process.execPath,
    [program, ...words, '--masks', '--rtsp-transport', transport],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const exited = once(child, 'exit');
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push({ ...(JSON.parse(text) as Omit<Line, 'cameAtUs'>), cameAtUs: nowUs() });
  });
  const pid = child.pid ?? 0;
  await wait(options.number('warm-up') * 1000);
  const [linesBefore, takenBefore] = [lines.length, camera.taken.length];
  const before = readThreadTimes(pid);
  const startedAtMs = performance.now();
  await wait((options.number('seconds') - options.number('warm-up')) * 1000);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const after = readThreadTimes(pid);
  const { residentMb } = readProcessState(pid);
  child.kill('SIGTERM');
  await exited;
  const cpuMs = [after.mainMs - before.mainMs, after.othersMs - before.othersMs] as const;
  const answered = lines.slice(linesBefore);
  const sent = camera.taken.slice(takenBefore);
  const kbits = (sent.reduce((sum, { bytes }) => sum + bytes, 0) * 8) / 1000 / seconds;
  const percent = (ms: number) => (ms / seconds / 10).toFixed(1);
  const ages = answered.flatMap(({ capture_clock: clock, capture_timestamp_us: us, cameAtUs }) =>
    clock === 'camera' && us !== null ? [(cameAtUs - us) / 1000] : [],
  );
  const errors = captureErrorsMs(answered, camera);
  return [
    `${pattern}, ${transport}`,
    cell(kbits, 0),
    `${percent(cpuMs[0] + cpuMs[1])} (main thread ${percent(cpuMs[0])})`,
    cell(residentMb, 0),
    `${answered.length} of ${sent.length}`,
    `${cell(percentile(ages, 0.5), 0)} / ${cell(percentile(ages, 0.95), 0)}`,
    `${cell(percentile(errors, 0.5), 2)} / ${cell(Math.max(...errors), 2)}`,
  ];
}

/** How far the capture time of each answer is from that of the picture nearest to it. */
function captureErrorsMs(lines: readonly Line[], { taken }: RtspCamera): number[] {
  return lines.flatMap(({ capture_clock: clock, capture_timestamp_us: us }) => {
    if (clock !== 'camera' || us === null) return [];
    return [Math.min(...taken.map(({ takenAtUs }) => Math.abs(takenAtUs - us))) / 1000];
  });
}

function print(rows: readonly string[][]): void {
  const form = `${options.text('size')} at ${options.text('rate')} frames a second`;
  console.log(`${machineName()}; H.264, ${form}; ${options.text('threads')} model threads\n`);
  const columns = [
    'picture, transport',
    'kbit/s',
    'publisher, % of a core',
    'resident MB',
    'answered',
    'age of masks, ms, p50 / p95',
    'capture time off by, ms, p50 / most',
  ];
  console.log(markdownTable(columns, rows));
}
