import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Config } from '../../config.ts';
import type { Listen } from '../../settings.ts';
import { configRefusals, configWarnings } from '../../config-warnings.ts';
import { bundledProviders, loadModel, runtimeVersion } from '../../inference/index.ts';
import { packageVersion } from '../../package-root.ts';
import { grpcVersion } from '../../server/index.ts';
import { modelDirectory } from '../../models/model-folders.ts';
import { placedAs } from '../placed-as.ts';
import { checkFfmpeg } from '../check-ffmpeg.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import { readIdentity } from '../read-identity.ts';
import { readTransport } from '../read-transport.ts';
import type { Report } from './finding.ts';
import { fault, warning } from './finding.ts';

const fixesText = {
  absent: 'older than the releases that close them',
  unknown: 'whether this build closes them is not known',
} as const;

const mebibyte = 2 ** 20;

const dayMs = 86_400_000;

/** A certificate is to be renewed by then. */
const renewalDays = 14;

/** Versions of what runs here. */
export function lookAtVersions(report: Report): void {
  report('maskstream', packageVersion());
  report('node', process.versions.node);
  report('grpc-js', grpcVersion());
  report('openssl', process.versions.openssl);
}

/** The ffmpeg that a server would use, and what holds it. */
export async function lookAtDecoder(report: Report, config: Config): Promise<void> {
  const ffmpeg = await findConfiguredFfmpeg(config);
  checkFfmpeg(ffmpeg, config);
  report('path', ffmpeg.path);
  report(
    'version',
    ffmpeg.version,
    ffmpeg.fixes === 'present'
      ? null
      : warning(
          `known holes: ${fixesText[ffmpeg.fixes]}; take a fixed release for strangers' video`,
        ),
  );
  report('libavcodec', `${ffmpeg.codecMajor}.${ffmpeg.codecMinor}`);
  report('hardware', ffmpeg.hardware ?? 'none: the processor decodes');
  const { kind, isLimited, holds, lacks } = ffmpeg.confinement;
  report('confinement', kind, lacks.length === 0 ? null : warning(`without ${lacks.join('; ')}`));
  for (const what of holds) report('holds', what);
  report('limits', isLimited, isLimited ? null : warning('nothing bounds the memory of a decoder'));
}

/** The providers of this installation, and whether the model loads and passes its self-test. */
export async function lookAtModel(
  report: Report,
  config: Config,
  signal: AbortSignal,
): Promise<void> {
  report('onnxruntime', runtimeVersion());
  report('providers', bundledProviders());
  report('provider', config.provider);
  if (config.placement !== null) report('placement', config.placement);
  if (config.precision !== null) report('precision', config.precision);
  const directory = modelDirectory(config.model, config.modelCache);
  report('folder', directory);
  const startedMs = performance.now();
  await using model = await loadModel({
    directory,
    ...placedAs(config),
    threads: config.modelThreads,
    startsInTurn: true,
    signal,
  });
  report('name', model.info.name);
  report('self-test IoU', Number(model.info.selfTest.iou.toFixed(3)));
  for (const { worker, devices, fileBytes, residentBytes } of model.memory.workers) {
    const files = `${(fileBytes / 1e6).toFixed(1)} MB of files`;
    const resident = `${((residentBytes ?? 0) / mebibyte).toFixed(0)} MB of memory`;
    report(`worker: ${worker}`, `${devices}, ${files}, ${resident}`);
  }
  const { objectMemory } = model.info;
  if (objectMemory) {
    const most = Math.floor(config.maxObjectMemoryBytes / objectMemory.maxBytes);
    report('objects that fit', `${most}, ${(objectMemory.maxBytes / 1e6).toFixed(1)} MB each`);
  }
  report('loaded and tested in', `${Math.round(performance.now() - startedMs)} ms`);
}

/** What the settings ask for and leave open. */
export async function lookAtSettings(
  report: Report,
  config: Config,
  given: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, value] of Object.entries(given)) report(name, value);
  for (const text of configRefusals(config)) report('open', null, fault(text));
  await readIdentity(config);
  for (const text of configWarnings(config, availableParallelism())) {
    report('open', null, warning(text));
  }
  if (config.tls === null) return;
  await readTransport(config.tls);
  const { subject, validTo } = new X509Certificate(await readFile(config.tls.certificate));
  const days = Math.floor((Date.parse(validTo) - Date.now()) / dayMs);
  report('certificate', subject.replaceAll('\n', ', '));
  report(
    'certificate valid for',
    `${days} days`,
    days < 0
      ? fault('it has expired')
      : days < renewalDays
        ? warning(`less than ${renewalDays} days: renew it`)
        : null,
  );
}

/** Whether the ports can be listened on. */
export async function lookAtPorts(report: Report, config: Config): Promise<void> {
  const { listen, web, metrics } = config;
  await lookAtPort(report, 'gRPC', listen);
  if (web !== null) await lookAtPort(report, 'page', { host: listen.host, port: web.port });
  if (metrics !== null) await lookAtPort(report, 'metrics', metrics);
}

async function lookAtPort(report: Report, name: string, { host, port }: Listen): Promise<void> {
  const code = await new Promise<string | null>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
  const taken = code === 'EADDRINUSE';
  report(
    name,
    `${host}:${port} is ${code === null ? 'free' : taken ? 'in use' : 'not to be had'}`,
    code === null
      ? null
      : taken
        ? warning('in use: by a server that runs already, or by something else')
        : fault(`cannot be listened on: ${code}`),
  );
}
