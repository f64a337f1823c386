import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import {
  arch,
  availableParallelism,
  cpus,
  freemem,
  release,
  tmpdir,
  totalmem,
  version,
} from 'node:os';
import type { Report } from './finding.ts';
import { warning } from './finding.ts';

/** Vector instructions that change how fast the model runs, by the names of /proc/cpuinfo. */
const wantedFeatures = [
  'sse4_2',
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx_vnni',
  'amx_int8',
  'asimd',
  'asimddp',
  'i8mm',
] as const;

/** With any of these, products of 8-bit integers are one instruction. */
const integerDotProducts: ReadonlySet<string> = new Set([
  'avx512_vnni',
  'avx_vnni',
  'amx_int8',
  'asimddp',
]);

const gibibyte = 1024 ** 3;

/** An MP4 with its index at the end is kept whole, and may be this large. */
const wantedTemporaryBytes = 2 * gibibyte;

/** Operating system, processors and memory. */
export function lookAtMachine(report: Report): void {
  report('system', `${process.platform} ${arch()} ${release()}`);
  report('kernel', version());
  report('processor', cpus()[0]?.model.trim() ?? 'unknown');
  report('processors', availableParallelism());
  const features = cpuFeatures(readText('/proc/cpuinfo'));
  if (features !== null) {
    const isFast = features.some((feature) => integerDotProducts.has(feature));
    report(
      'vector instructions',
      features,
      isFast
        ? null
        : warning('no VNNI or like: the quantised model runs at a fraction of its speed'),
    );
  }
  const limit = controlGroupLimit('cpu.max');
  if (limit !== null) report('processors of the control group', limit);
  report('memory', `${gib(totalmem())} GiB, ${gib(freemem())} free`);
  const memory = controlGroupLimit('memory.max');
  if (memory !== null) report('memory of the control group', memory);
}

/** The vector instructions that are there, from the text of /proc/cpuinfo; null without it. */
export function cpuFeatures(text: string | null): string[] | null {
  const line = text === null ? undefined : /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1];
  if (line === undefined) return null;
  const flags = new Set(line.trim().split(/\s+/));
  return wantedFeatures.filter((feature) => flags.has(feature));
}

/** Handles and processes that this process may have. */
export function lookAtLimits(report: Report): void {
  const text = readText('/proc/self/limits');
  if (text === null) {
    report('limits', 'this platform does not say');
    return;
  }
  const handles = softLimit(text, 'Max open files');
  const few = handles !== null && Number(handles) < 1024;
  report(
    'open files',
    handles,
    few ? warning('fewer than 1024: fewer connections at a time') : null,
  );
  report('processes', softLimit(text, 'Max processes'));
  report('memory', softLimit(text, 'Max address space'));
}

/** The folder for spooled videos. */
export async function lookAtDisk(report: Report): Promise<void> {
  const folder = tmpdir();
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  report('temporary folder', folder);
  report(
    'free there',
    `${gib(free)} GiB`,
    free < wantedTemporaryBytes
      ? warning('less than 2 GiB: a large MP4 with its index at the end may be refused')
      : null,
  );
}

function softLimit(text: string, name: string): string | null {
  return new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(text)?.[1] ?? null;
}

function controlGroupLimit(file: string): string | null {
  const text = readText(`/sys/fs/cgroup/${file}`)?.trim();
  return text === undefined || text.startsWith('max') ? null : text;
}

function gib(bytes: number): string {
  return (bytes / gibibyte).toFixed(1);
}

function readText(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}
