import type { ServerLimits } from '../server-limits.ts';

/** Requests that carry no pixels: health checks, the list of models, reflection. */
const maxSmallRequestBytes = 4096;

/** Path of the methods of our own service, up to their name. */
export const servicePrefix = '/maskstream.v1.SegmentationService/';

const withPixels: ReadonlySet<string> = new Set([
  `${servicePrefix}SegmentVideo`,
  `${servicePrefix}SegmentImage`,
]);

/** Most bytes of one request of a method. */
export function maxBytesOf(path: string, limits: Pick<ServerLimits, 'maxRequestBytes'>): number {
  return withPixels.has(path) ? limits.maxRequestBytes : maxSmallRequestBytes;
}

/** Whether calls of a method have places of their own, as videos and images do. */
export function hasPlace(path: string): boolean {
  return withPixels.has(path);
}
