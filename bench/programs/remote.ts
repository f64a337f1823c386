import { join } from 'node:path';
import { goldenPicture } from '../../src/inference/golden-picture.ts';
import { loadManifest, loadModel, type LoadedModel } from '../../src/inference/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { callOptions } from '../support/kserve/call-options.ts';
import { noMlserver, startMlserver } from '../support/kserve/mlserver.ts';
import type { InferenceServer, ServedModel } from '../support/kserve/served-model.ts';
import { noTriton, startTriton } from '../support/kserve/triton.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * The float32 encoder here, and on servers of the same machine: milliseconds from a frame to its
 * features, all places in turns, and bytes on the wire.
 * `npm run bench remote -- [ROUNDS]`
 */

const rounds = Number(process.argv[2] ?? 30);
const directory = join(packageRoot(), 'models/maskstream-tiny');
const { signal } = new AbortController();
const manifest = await loadManifest(directory);
const graph = manifest.graphs.encoder;
const encoder = { name: 'maskstream-tiny-encoder', file: join(directory, graph.file), graph };

/** Somewhere that the encoder runs. */
type Place = {
  readonly name: string;
  readonly model: LoadedModel;
  readonly server: InferenceServer | null;
  readonly bytes: { sent: number; received: number };
  readonly milliseconds: number[];
};

const places: Place[] = [await openPlace('here', null)];
if (noTriton === null) {
  const small: ServedModel = { ...encoder, pixels: true, halfOutputs: true };
  places.push(await openPlace('Triton, FP32', await startTriton({ models: [encoder] })));
  places.push(await openPlace('Triton, UINT8 and FP16', await startTriton({ models: [small] })));
} else console.error(noTriton);
if (noMlserver === null) {
  places.push(await openPlace('MLServer, FP32', await startMlserver({ models: [encoder] })));
} else console.error(noMlserver);

try {
  using frame = goldenPicture(1).frame;
  for (let round = 0; round < rounds; round++) {
    for (const { model, milliseconds } of places) {
      const beganMs = performance.now();
      (await model.encode(frame, signal)).close();
      milliseconds.push(performance.now() - beganMs);
    }
  }
} finally {
  for (const { model, server } of places) {
    await model.close();
    await server?.end('SIGKILL');
  }
}
console.log(`${machineName()}; ${rounds} rounds, two threads a run\n`);
const columns = ['encoder', 'p50 ms', 'p95 ms', 'least ms', 'bytes up', 'bytes down'];
const rows = places.map(({ name, milliseconds, bytes }) => [
  name,
  ...[0.5, 0.95, 0].map((ratio) => cell(percentile(milliseconds, ratio))),
  String(bytes.sent),
  String(bytes.received),
]);
console.log(markdownTable(columns, rows));

async function openPlace(name: string, server: InferenceServer | null): Promise<Place> {
  const bytes = { sent: 0, received: 0 };
  const models = { encoder: { name: null, version: null } };
  const model = await loadModel({
    directory,
    precision: 'fp32',
    ...(server === null ? {} : { kserve: { ...callOptions, addresses: [server.address], models } }),
    onTraffic: ({ sentBytes, receivedBytes }) => {
      bytes.sent = sentBytes;
      bytes.received = receivedBytes;
    },
    signal,
  });
  return { name, model, server, bytes, milliseconds: [] };
}
