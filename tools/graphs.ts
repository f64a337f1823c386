import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type InferenceSession,
  onnxruntime,
  type Tensor,
} from '../src/inference/engine/onnxruntime.ts';
import { cell, machineName, markdownTable } from '../bench/support/markdown-table.ts';
import { percentile } from '../bench/support/percentile.ts';

/*
 * Milliseconds of encoder, decoder and refiner graphs alone, those of several folders in turns in one
 * process, so that what else the machine does falls on all of them:
 * `node dist/tools/graphs.js [--runs 20] FOLDER...`. Ratios are against the first folder.
 */

const files = [
  'encoder.onnx',
  'encoder-int8.onnx',
  'decoder.onnx',
  'refiner.onnx',
  'refiner-int8.onnx',
];
const warmUpRuns = 3;
const argumentsGiven = process.argv.slice(2);
const runsAt = argumentsGiven.indexOf('--runs');
const runs = runsAt < 0 ? 20 : Number(argumentsGiven.splice(runsAt, 2)[1]);
const folders = argumentsGiven;
if (folders.length === 0) throw new Error('expected at least one folder with encoder.onnx');

type Subject = {
  readonly path: string;
  readonly role: string;
  readonly session: InferenceSession;
  readonly feeds: Record<string, Tensor>;
  readonly wallMs: number[];
  readonly cpuMs: number[];
};

console.log(`${machineName()}; ${runs} runs each, in turns; one object\n`);
const rows: string[][] = [];
for (const threads of [1, 2]) {
  const paths = folders.flatMap((folder) => files.map((file) => join(folder, file)));
  const subjects = await Promise.all(paths.filter(existsSync).map((path) => open(path, threads)));
  for (let run = -warmUpRuns; run < runs; run++) {
    for (const subject of subjects) await measure(subject, run >= 0);
  }
  for (const subject of subjects) rows.push(row(subject, subjects, threads));
  for (const { session } of subjects) await session.release();
}
const columns = ['graph', 'threads', 'p50 ms', 'least ms', 'CPU ms', 'CPU against first'];
console.log(markdownTable(columns, rows));

async function open(path: string, threads: number): Promise<Subject> {
  // As the service opens them: see src/inference/graph.ts.
  const session = await onnxruntime().InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const feeds = Object.fromEntries(
    session.inputMetadata.map((input) => [input.name, filled(input)]),
  );
  const role = basename(path).replace(/(-int8)?\.onnx$/, '');
  return { path, role, session, feeds, wallMs: [], cpuMs: [] };
}

/** One object with a box, a prior and full memory. */
function filled(input: InferenceSession.ValueMetadata): Tensor {
  if (!input.isTensor) throw new Error(`expected ${input.name} to be a tensor`);
  const shape = input.shape.map((side) => (typeof side === 'string' ? 1 : side));
  const length = shape.reduce((product, side) => product * side, 1);
  const value = (i: number): number => {
    if (input.name === 'labels') return i < 2 ? 2 + i : -1;
    if (input.name === 'has_mask' || input.name === 'mem_valid') return 1;
    if (input.name === 'image' || input.name === 'crop') return noise(i) * 255;
    // Rows of an appearance are about as long as a unit vector.
    return input.name === 'appearance' ? noise(i) / 4 : noise(i);
  };
  return new (onnxruntime().Tensor)(
    'float32',
    Float32Array.from({ length }, (_, i) => value(i)),
    shape,
  );
}

function noise(i: number): number {
  return (((i * 2_654_435_761) >>> 0) % 256) / 256;
}

async function measure({ session, feeds, wallMs, cpuMs }: Subject, kept: boolean): Promise<void> {
  const before = process.cpuUsage();
  const start = performance.now();
  await session.run(feeds);
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  if (!kept) return;
  wallMs.push(wall);
  cpuMs.push((user + system) / 1000);
}

function row(subject: Subject, all: readonly Subject[], threads: number): string[] {
  const cpu = percentile(subject.cpuMs, 0.5);
  const first = all.find(({ role }) => role === subject.role) ?? subject;
  return [
    subject.path,
    String(threads),
    cell(percentile(subject.wallMs, 0.5)),
    cell(Math.min(...subject.wallMs)),
    cell(cpu),
    cell(cpu / percentile(first.cpuMs, 0.5), 2),
  ];
}
