import { join } from 'node:path';
import { FramePool, type Frame } from '../../src/frame/frame.ts';
import { loadModel } from '../../src/inference/index.ts';
import type { DecodeRequest } from '../../src/frame/ports.ts';
import type { LoadedModel, Precision } from '../../src/inference/index.ts';
import { parseBenchWords } from '../support/bench-options.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * Milliseconds of the embedded model's graphs as the service runs them: through the worker, with
 * pre- and post-processing, in fp32 and quantised.
 * `npm run bench inference -- [RUNS] [MODEL_DIRECTORY]`
 */

const [givenRuns, givenModel] = parseBenchWords({ allowPositionals: true }).positionals;
const runs = Number(givenRuns ?? 20);
const directory = givenModel ?? join(import.meta.dirname, '../../../models/maskstream-tiny');
const warmUpRuns = 3;
const size = { width: 512, height: 288 };
const { signal } = new AbortController();

type Setting = { readonly precision: Precision; readonly threads: number };

const rows: string[][] = [];
for (const precision of ['fp32', 'int8'] as const) {
  for (const threads of [1, 2]) {
    await using model = await loadModel({ directory, threads, precision, signal });
    await measureModel(model, { precision, threads });
  }
}
console.log(`${machineName()}; ${runs} runs each\n`);
const columns = ['part', 'arithmetic', 'threads', 'p50 ms', 'p95 ms', 'CPU ms'];
console.log(markdownTable(columns, rows));

async function measureModel(model: LoadedModel, setting: Setting): Promise<void> {
  using frame = noiseFrame();
  await measure('encoder', setting, async () => (await model.encode(frame, signal)).close());
  using features = await model.encode(frame, signal);
  const side = model.info.maskSide;
  const mask = new Float32Array(side * side).fill(0.5);
  const box = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
  const bare: DecodeRequest = { clicks: [], box, prior: null, memory: [] };
  const memory = Array.from({ length: model.info.memorySlots }, () => ({ features, mask }));
  const full: DecodeRequest = { ...bare, prior: mask, memory };
  for (const [name, requests] of [
    ['decoder, box', [bare]],
    ['decoder, prior + memory', [full]],
    ['decoder, 4 objects', [full, full, full, full]],
  ] as const) {
    await measure(name, setting, async () => void (await model.decode(features, requests, signal)));
  }
  const { refiner } = model.info;
  if (refiner === null || setting.threads > 1) return;
  const { cropSide, appearanceLength } = refiner;
  const request = {
    crop: new Float32Array(3 * cropSide * cropSide).fill(100),
    prior: new Float32Array(cropSide * cropSide).fill(0.5),
    appearance: new Float32Array(appearanceLength),
  };
  for (const objects of [1, 4]) {
    const requests = Array.from({ length: objects }, () => request);
    // Always one thread: its worker runs beside the encoder's.
    await measure(`refiner, ${objects} object(s)`, setting, async () => {
      await model.refine(requests, signal);
    });
  }
}

/** Adds a row: wall time percentiles and mean process CPU time of one call. */
async function measure(name: string, setting: Setting, call: () => Promise<void>): Promise<void> {
  for (let i = 0; i < warmUpRuns; i++) await call();
  const wallMs: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await call();
    wallMs.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(before);
  const times = [0.5, 0.95].map((ratio) => cell(percentile(wallMs, ratio)));
  const cpuMs = cell((user + system) / 1000 / runs);
  rows.push([name, setting.precision, String(setting.threads), ...times, cpuMs]);
}

function noiseFrame(): Frame {
  const frame = new FramePool().create({
    index: 0,
    timestampUs: 0,
    timestampSynthetic: true,
    analysis: size,
    display: size,
    decodedAtMs: 0,
  });
  for (let i = 0; i < frame.data.length; i++) frame.data[i] = 64 + ((i * 2_654_435_761) % 128);
  return frame;
}
