import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Memory in use on one card by all its processes, in MB as the driver counts them (2^20 bytes). */
export type CardMemory = { readonly card: string; readonly mb: number };

const query = ['--query-gpu=index,memory.used', '--format=csv,noheader,nounits'];

/**
 * Memory in use on each NVIDIA card, as the driver's own tool says; null where there is none. The
 * runtime has no call for it.
 */
export async function readCardMemory(tool = 'nvidia-smi'): Promise<CardMemory[] | null> {
  try {
    const { stdout } = await promisify(execFile)(tool, query, { timeout: 10_000 });
    return stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [index = '', used = ''] = line.split(',').map((cell) => cell.trim());
        return { card: index, mb: Number(used) };
      });
  } catch {
    return null;
  }
}
