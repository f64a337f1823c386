import { readFileSync } from 'node:fs';

/** Handles of the process itself: model files, threads, listeners, the log. */
const ownHandles = 96;

/** Of one stream: three pipes, a temporary file, and as many while its child starts. */
const handlesPerStream = 12;

/** Fewest connections that a server is of use with. */
const fewestConnections = 8;

/**
 * Connections that leave handles for all streams: a process without handles can start no decoder.
 * Where the platform does not say how many handles there are, `wanted`.
 */
export function affordableConnections(wanted: number, maxStreams: number): number {
  const handles = handleLimit();
  if (handles === null) return wanted;
  const left = handles - ownHandles - maxStreams * handlesPerStream;
  return Math.max(fewestConnections, Math.min(wanted, left));
}

/** Most open handles of this process; null where nothing says so or there is no limit. */
function handleLimit(): number | null {
  try {
    const text = readFileSync('/proc/self/limits', 'latin1');
    const limit = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1]);
    return Number.isInteger(limit) ? limit : null;
  } catch {
    return null;
  }
}
