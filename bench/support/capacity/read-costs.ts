import { readFileSync } from 'node:fs';
import { usageError } from '../../../src/frame/errors.ts';
import { costsFile, type StreamCosts } from './costs.ts';
import { timesSpeed } from './fit-costs.ts';

/**
 * Reads what one camera costs from a file of `bench capacity`.
 *
 * @param name of the camera in it
 * @param speed see `timesSpeed`. Default: as it stands there
 * @throws SegmentationError `usage`: no file, or no such camera
 */
export function readStreamCosts(file: string, name: string, speed = 1): StreamCosts {
  if (file === '') throw usageError('expected --costs FILE, which `npm run bench capacity` writes');
  const { streams } = costsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  const found = streams.find((stream) => stream.name === name);
  if (found !== undefined) return timesSpeed(found, speed);
  const names = streams.map((stream) => `"${stream.name}"`).join(', ');
  throw usageError(`--stream: expected one of ${names}, got "${name}"`);
}
