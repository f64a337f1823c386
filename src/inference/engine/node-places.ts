import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InferenceSession, onnxruntime, type Tensor } from './onnxruntime.ts';
import { SegmentationError } from '../../frame/errors.ts';
import { deviceName, executionProviders, type Device } from './device.ts';

/** How many operators of a graph ran on each execution provider, by the runtime's name for it. */
export type NodePlaces = Readonly<Record<string, number>>;

/**
 * Runs a graph once on zeros with the runtime's profiler on, and counts where its operators ran: a
 * session on a GPU leaves single operators to the CPU without a word. Sides that vary are 1.
 *
 * Throws `provider-unavailable` where the graph cannot be opened or run on the provider.
 */
export async function countNodePlaces(path: string, device: Device): Promise<NodePlaces> {
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-profile-'));
  try {
    const session = await onnxruntime().InferenceSession.create(path, {
      executionProviders: executionProviders(device),
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
    });
    await session.run(zeros(session));
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    if (file === undefined) return {};
    return countPlaces(JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SegmentationError(
      'provider-unavailable',
      `provider ${deviceName(device)} cannot run ${path}: ${reason}`,
      { cause },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

type ProfileEvent = {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly provider?: string };
};

function countPlaces(events: readonly ProfileEvent[]): NodePlaces {
  const counts: Record<string, number> = {};
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || name?.endsWith('_kernel_time') !== true) continue;
    const place = args?.provider ?? 'unknown';
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

function zeros(session: InferenceSession): Record<string, Tensor> {
  const { Tensor } = onnxruntime();
  const feeds: Record<string, Tensor> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new Error(`${input.name} is not a tensor`);
    const dims = input.shape.map((side) => (typeof side === 'number' ? side : 1));
    const length = dims.reduce((product, side) => product * side, 1);
    feeds[input.name] = new Tensor(input.type, zerosOf(input.type, length), dims);
  }
  return feeds;
}

function zerosOf(type: string, length: number): Float32Array | Uint16Array {
  // The runtime's types tie each name to its array; here the name is only known when it runs.
  return new arrays[type as keyof typeof arrays](length) as Float32Array;
}

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};
