import { type InferenceSession, onnxruntime } from './onnxruntime.ts';
import { SegmentationError } from '../../frame/errors.ts';

/** One tensor of a graph as the file names it; a side that varies is its name, or '' without one. */
export type GraphTensor = {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
};

/** What goes into a graph and comes out of it, in the file's order. */
export type GraphTensors = {
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
};

/**
 * Reads the tensors of a graph file by opening it, which needs its external data too. Throws
 * `model-load-failed`.
 */
export async function inspectGraph(path: string): Promise<GraphTensors> {
  let session: InferenceSession;
  try {
    session = await onnxruntime().InferenceSession.create(path, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SegmentationError('model-load-failed', `cannot open ${path}: ${reason}`, { cause });
  }
  try {
    return {
      inputs: session.inputMetadata.map(described),
      outputs: session.outputMetadata.map(described),
    };
  } finally {
    await session.release();
  }
}

function described(metadata: InferenceSession.ValueMetadata): GraphTensor {
  if (!metadata.isTensor) return { name: metadata.name, type: 'no tensor', shape: [] };
  return { name: metadata.name, type: metadata.type, shape: metadata.shape };
}
