import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { datatypes } from '../../../src/inference/engine/kserve/raw-tensor.ts';
import type { TensorManifest } from '../../../src/inference/manifest.ts';
import { pythonFolder, serverPlace, startServerChild, supportFile } from './server-child.ts';
import type { InferenceServer, InferenceServerOptions } from './served-model.ts';

const folder = pythonFolder('mlserver');

/** Why there is no MLServer here, for a test's title; null where there is one. */
export const noMlserver = existsSync(join(folder, 'bin/mlserver'))
  ? null
  : 'skipped: MLServer is not installed (.ci/run takes mlserver from PyPI)';

/**
 * Starts MLServer with graphs in ONNX Runtime as its models. The caller disposes it. Its own limit of a
 * message is 4 MiB, less than a decoder takes.
 */
export async function startMlserver(options: InferenceServerOptions): Promise<InferenceServer> {
  const { maxMessageBytes = 32 * 1024 * 1024 } = options;
  const place = await serverPlace(options.port);
  await copyFile(supportFile('mlserver_runtime.py'), join(place.folder, 'mlserver_runtime.py'));
  await copyFile(supportFile('onnx_graph.py'), join(place.folder, 'onnx_graph.py'));
  const settings = {
    host: '127.0.0.1',
    http_port: place.ports.http,
    grpc_port: place.ports.grpc,
    metrics_port: place.ports.metrics,
    grpc_max_message_length: maxMessageBytes,
    parallel_workers: 1,
  };
  await writeFile(join(place.folder, 'settings.json'), JSON.stringify(settings));
  for (const { name, file, graph, threads = 2 } of options.models) {
    const home = join(place.folder, name);
    await mkdir(home);
    const model = {
      name,
      implementation: 'mlserver_runtime.OnnxRuntime',
      // Its metadata are what stands here, not what the graph says.
      inputs: Object.values(graph.inputs).map(described),
      outputs: Object.values(graph.outputs).map(described),
      parameters: { extra: { file, threads, faults: place.faultsFile } },
    };
    await writeFile(join(home, 'model-settings.json'), JSON.stringify(model));
  }
  return await startServerChild(place, {
    command: join(folder, 'bin/mlserver'),
    words: ['start', '.'],
    env: { PYTHONPATH: place.folder, ORT_DISABLE_TELEMETRY: '1' },
  });
}

function described({ name, type, shape }: TensorManifest) {
  const sides = shape.map((side) => (typeof side === 'number' ? side : -1));
  return { name, datatype: datatypes[type], shape: sides };
}
