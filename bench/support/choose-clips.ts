import { davisClips, findClips, type Clip } from '../../src/evaluation/clips.ts';
import type { BenchOptions } from './bench-options.ts';

/** The clips in the folder `--clips`: those of DAVIS, or those that `--only` names. */
export async function chooseClips(options: BenchOptions): Promise<Clip[]> {
  const only = options.list('only');
  if (only.length > 0) return await findClips(options.text('clips'), only);
  const found = await findClips(options.text('clips'), null);
  return found.filter(({ name }) => davisClips.has(name));
}
