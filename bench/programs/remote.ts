import { join } from 'node:path';
import type { Frame } from '../../src/frame/frame.ts';
import { goldenPicture } from '../../src/inference/golden-picture.ts';
import { loadManifest, loadModel, type LoadedModel } from '../../src/inference/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { parseBenchWords } from '../support/bench-options.ts';
import { callOptions } from '../support/kserve/call-options.ts';
import { noMlserver, startMlserver } from '../support/kserve/mlserver.ts';
import type { InferenceServer, ServedModel } from '../support/kserve/served-model.ts';
import { noTriton, startTriton } from '../support/kserve/triton.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * The float32 encoder here, and on servers of the same machine: milliseconds from a frame to its
 * features, all places in turns, and bytes on the wire; then keyframes a second with several under way.
 * `npm run bench remote -- [ROUNDS]`
 */

const [given] = parseBenchWords({ allowPositionals: true }).positionals;
const rounds = Number(given ?? 30);
const directory = join(packageRoot(), 'models/maskstream-tiny');
const { signal } = new AbortController();
/** Keyframes under way at a time. */
const flights = [1, 2, 4, 8];
/** Keyframes of one measurement. */
const keyframesAtOnce = 8;
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
  /** Milliseconds of a keyframe, by how many were under way. */
  readonly flown: Map<number, number[]>;
};

const places: Place[] = [await openPlace('here', null)];
if (noTriton === null) {
  const small: ServedModel = { ...encoder, pixels: true, halfOutputs: true };
  places.push(await openPlace('Triton, FP32', await startTriton({ models: [encoder] })));
  places.push(await openPlace('Triton, UINT8 and FP16', await startTriton({ models: [small] })));
  const batched: ServedModel = { ...small, maxBatch: 8, maxQueueDelayUs: 2000 };
  places.push(await openPlace('the same in batches', await startTriton({ models: [batched] })));
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
    for (const place of places) {
      for (const flight of flights) {
        const beganMs = performance.now();
        await fly(place.model, frame, flight);
        const each = (performance.now() - beganMs) / keyframesAtOnce;
        place.flown.set(flight, [...(place.flown.get(flight) ?? []), each]);
      }
    }
  }
  for (const { name, server } of places) if (server !== null) await showBatches(name, server);
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
console.log(
  `\nmilliseconds a keyframe, median, by how many are under way (${keyframesAtOnce} at once)\n`,
);
const flightRows = places.map(({ name, flown }) => [
  name,
  ...flights.map((flight) => cell(percentile(flown.get(flight) ?? [], 0.5))),
]);
console.log(markdownTable(['encoder', ...flights.map(String)], flightRows));

/** Encodes so many keyframes, with no more under way than said. */
async function fly(model: LoadedModel, frame: Frame, flight: number): Promise<void> {
  let left = keyframesAtOnce;
  const stream = async (): Promise<void> => {
    while (left-- > 0) (await model.encode(frame, signal)).close();
  };
  await Promise.all(Array.from({ length: flight }, stream));
}

/** How many pictures the runs of a server had. */
async function showBatches(name: string, { metricsUrl }: InferenceServer): Promise<void> {
  const metrics = await (await fetch(metricsUrl)).text();
  const counted = (counter: string) =>
    Number(new RegExp(`^${counter}{.*} (\\d+)`, 'm').exec(metrics)?.[1] ?? Number.NaN);
  const [pictures, runs] = ['nv_inference_count', 'nv_inference_exec_count'].map(counted);
  if (pictures! > 0) console.log(`${name}: ${pictures} pictures in ${runs} runs`);
}

async function openPlace(name: string, server: InferenceServer | null): Promise<Place> {
  const bytes = { sent: 0, received: 0 };
  const models = { encoder: { name: null, version: null } };
  const model = await loadModel({
    directory,
    precision: 'fp32',
    ...(server === null
      ? {}
      : { kserve: { ...callOptions, maxCalls: 8, addresses: [server.address], models } }),
    onServerCall: ({ sentBytes, receivedBytes }) => {
      bytes.sent = sentBytes;
      bytes.received = receivedBytes;
    },
    signal,
  });
  return { name, model, server, bytes, milliseconds: [], flown: new Map() };
}
