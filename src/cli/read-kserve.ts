import { readFile } from 'node:fs/promises';
import { SegmentationError } from '../frame/errors.ts';
import type { KserveOptions } from '../inference/index.ts';
import type { KserveConfig } from '../kserve-settings.ts';

/** The settings of inference servers with the authorities that their file holds. Throws `unreadable-file`. */
export async function readKserve(config: KserveConfig): Promise<KserveOptions> {
  if (config.tls === null) return { ...config, tls: null };
  const { authoritiesFile: file } = config.tls;
  return { ...config, tls: { authorities: file === null ? null : await readPem(file) } };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const expected = `${file}: expected a PEM file of authorities, got none`;
    throw new SegmentationError('unreadable-file', expected, { cause });
  }
}
