import { SegmentationError } from '../../frame/errors.ts';
import { readStoredFile } from '../engine/graph.ts';
import type { Constants } from '../layouts/layout.ts';
import type { Manifest } from '../manifest.ts';

/**
 * Learned values that a model keeps beside its graphs, by the manifest's names for them. Throws
 * `model-load-failed`.
 */
export async function readConstants(
  { objectMemory }: Manifest,
  directory: string,
): Promise<Constants> {
  if (objectMemory?.constants == null) return {};
  const { constants, maps, dim } = objectMemory;
  const { temporalPositions, noMemoryEmbedding } = constants;
  const bytes = await readStoredFile(constants, directory);
  let stored: Record<string, unknown>;
  try {
    stored = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new SegmentationError('model-load-failed', `${constants.file} is not JSON`, { cause });
  }
  const read = (key: string): Float32Array => {
    const values = [stored[key]].flat(Infinity);
    if (values.some((value) => typeof value !== 'number' || !Number.isFinite(value))) {
      throw failed(`${constants.file}: expected numbers under ${key}`);
    }
    return Float32Array.from(values as number[]);
  };
  const temporal = temporalPositions === null ? null : read(temporalPositions);
  if (temporal !== null && temporal.length !== maps * dim) {
    const wanted = `${maps} x ${dim} numbers under ${temporalPositions}`;
    throw failed(`${constants.file}: expected ${wanted}, got ${temporal.length}`);
  }
  return {
    ...(temporal === null ? {} : { temporalPositions: temporal }),
    ...(noMemoryEmbedding === null ? {} : { noMemoryEmbedding: read(noMemoryEmbedding) }),
  };
}

function failed(message: string): SegmentationError {
  return new SegmentationError('model-load-failed', message);
}
