import { readFileSync } from 'node:fs';

/** Resident memory of a process by what it is mapped for, in MB (Linux only). */
export type MemoryParts = {
  /** What the C allocator cut small blocks from: its heap and its arenas, used or free. */
  readonly arenas: number;
  /** Machine code made at run time. */
  readonly code: number;
  /** Programs and libraries. */
  readonly files: number;
  /** JavaScript heaps, large blocks of the allocator, WebAssembly memories, stacks. */
  readonly other: number;
};

/** An arena of glibc begins at a multiple of its greatest size. */
const arenaBytes = 64 * 1024 * 1024;

/** Reads the memory map of a process. Throws where there is no /proc or no such process. */
export function readMemoryParts(pid: number): MemoryParts {
  return memoryParts(readFileSync(`/proc/${pid}/smaps`, 'latin1'));
}

/** Sums a memory map, in the form of `/proc/PID/smaps`. */
export function memoryParts(smaps: string): MemoryParts {
  const parts = { arenas: 0, code: 0, files: 0, other: 0 };
  let part: keyof MemoryParts = 'other';
  for (const line of smaps.split('\n')) {
    const mapping = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapping !== null) part = partOf(mapping);
    const resident = /^Rss: +(\d+) kB/.exec(line);
    if (resident !== null) parts[part] += Number(resident[1]) / 1024;
  }
  return parts;
}

function partOf([, from = '', to = '', flags = '', name = '']: RegExpExecArray): keyof MemoryParts {
  if (name === '[heap]') return 'arenas';
  if (name !== '' && !name.startsWith('[')) return 'files';
  if (flags.includes('x')) return 'code';
  if (name !== '') return 'other';
  const start = Number.parseInt(from, 16);
  const bytes = Number.parseInt(to, 16) - start;
  return start % arenaBytes === 0 && bytes <= arenaBytes ? 'arenas' : 'other';
}
