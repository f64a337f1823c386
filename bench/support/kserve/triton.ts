import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorManifest } from '../../../src/inference/manifest.ts';
import {
  pythonFolder,
  type ServerPlace,
  serverPlace,
  startServerChild,
  supportFile,
} from './server-child.ts';
import type { InferenceServer, InferenceServerOptions, ServedModel } from './served-model.ts';

const folder = pythonFolder('pytriton');

/** Why there is no Triton here, for a test's title; null where there is one. */
export const noTriton = existsSync(join(folder, 'bin/python'))
  ? null
  : 'skipped: Triton is not installed (.ci/run takes nvidia-pytriton from PyPI)';

/**
 * Starts Triton out of the wheel of nvidia-pytriton, whose only back end is Python's; models are
 * graphs in ONNX Runtime there. The caller disposes it.
 */
export async function startTriton(options: InferenceServerOptions): Promise<InferenceServer> {
  const place = await serverPlace(options.port);
  const [python = ''] = await readdir(join(folder, 'lib'));
  const packages = join(folder, 'lib', python, 'site-packages');
  const server = join(packages, 'pytriton/tritonserver');
  const backends = join(place.folder, 'backends');
  await cp(join(server, 'backends/python'), join(backends, 'python'), { recursive: true });
  const stub = 'triton_python_backend_stub';
  const version = python.replace('python', '');
  await copyFile(
    join(server, 'python_backend_stubs', version, stub),
    join(backends, 'python', stub),
  );
  const repository = join(place.folder, 'models');
  for (const model of options.models) await writeModel(repository, model, place);
  const { grpc, http, metrics } = place.ports;
  const words = [
    ['model-repository', repository],
    ['backend-directory', backends],
    ['http-address', '127.0.0.1'],
    ['http-port', http],
    ['grpc-address', '127.0.0.1'],
    ['grpc-port', grpc],
    ['metrics-address', '127.0.0.1'],
    ['metrics-port', metrics],
    ['exit-timeout-secs', 10],
  ].map(([name, value]) => `--${name}=${value}`);
  return await startServerChild(place, {
    command: join(server, 'bin/tritonserver'),
    words,
    env: {
      LD_LIBRARY_PATH: join(packages, 'nvidia_pytriton.libs'),
      PYTHONPATH: packages,
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
      ORT_DISABLE_TELEMETRY: '1',
    },
  });
}

async function writeModel(
  repository: string,
  model: ServedModel,
  place: ServerPlace,
): Promise<void> {
  const home = join(repository, model.name);
  await mkdir(join(home, '1'), { recursive: true });
  await copyFile(supportFile('triton_model.py'), join(home, '1/model.py'));
  await copyFile(supportFile('onnx_graph.py'), join(home, '1/onnx_graph.py'));
  await writeFile(join(home, 'config.pbtxt'), configOf(model, place));
}

function configOf(model: ServedModel, { faultsFile }: ServerPlace): string {
  const { name, file, graph, maxBatch = 0, maxQueueDelayUs = 20_000, threads = 2 } = model;
  const tensors = (list: readonly TensorManifest[], typeOf: (tensor: TensorManifest) => string) =>
    list
      .map((tensor) => {
        const sides = tensor.shape.map((side) => (typeof side === 'number' ? side : -1));
        const dims = maxBatch > 0 ? sides.slice(1) : sides;
        return `{ name: "${tensor.name}" data_type: ${typeOf(tensor)} dims: [${dims.join(', ')}] }`;
      })
      .join(', ');
  const inputs = Object.values(graph.inputs);
  const outputs = Object.values(graph.outputs);
  const settings = Object.entries({ file, threads: String(threads), faults: faultsFile });
  const batcher = `dynamic_batching { max_queue_delay_microseconds: ${maxQueueDelayUs} }`;
  return [
    `name: "${name}"`,
    'backend: "python"',
    `max_batch_size: ${maxBatch}`,
    `input [${tensors(inputs, ({ type }) => (model.pixels ? 'TYPE_UINT8' : typeNames[type]))}]`,
    `output [${tensors(outputs, ({ type }) => (model.halfOutputs ? 'TYPE_FP16' : typeNames[type]))}]`,
    ...settings.map(([key, value]) => {
      return `parameters { key: "${key}" value: { string_value: ${JSON.stringify(value)} } }`;
    }),
    maxBatch > 0 ? batcher : '',
  ].join('\n');
}

const typeNames = {
  float32: 'TYPE_FP32',
  float16: 'TYPE_FP16',
  int32: 'TYPE_INT32',
  int64: 'TYPE_INT64',
  uint8: 'TYPE_UINT8',
  bool: 'TYPE_BOOL',
};
