import { describe, expect, test } from 'vitest';
import { seccompFilter } from '../../../src/video/ffmpeg/seccomp-filter.ts';

/** struct seccomp_data: number, processor, where the call came from, six arguments of 64 bits. */
function call(arch: number, number: number, firstArgument = 0): Buffer {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(arch, 4);
  data.writeUInt32LE(firstArgument >>> 0, 16);
  return data;
}

/** Runs a filter as the kernel does (linux/bpf_common.h), as far as ours goes. */
function judge(filter: Buffer, data: Buffer): string {
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const [code, value] = [filter.readUInt16LE(at), filter.readUInt32LE(at + 4)];
    const jump = (isTrue: boolean) => filter.readUInt8(at + (isTrue ? 2 : 3)) * 8;
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x45) at += jump((accumulator & value) !== 0);
    else if (code === 0x06) return verdictOf(value);
    else throw new Error(`expected an operation that is known, got ${code}`);
  }
  throw new Error('expected a verdict, got the end of the filter');
}

function verdictOf(value: number): string {
  if (value === 0x7fff0000) return 'allowed';
  if (value === 0x80000000) return 'killed';
  return `error ${value & 0xffff}`;
}

const threadFlags = 0x003d0f00; // What the C library makes a thread with.
const [enosys, eperm, enotty] = ['error 38', 'error 1', 'error 25'];

/** Numbers by the kernel's tables, x86-64 and arm64. */
const processors = [
  ['x64', 0xc000003e, 0],
  ['arm64', 0xc00000b7, 1],
] as const;

describe.each(processors)('the filter for %s', (arch, audit, column) => {
  const filter = seccompFilter(arch)!;
  const verdict = (numbers: readonly [number, number], argument = 0) =>
    judge(filter, call(audit, numbers[column], argument));

  test.each<[string, readonly [number, number]]>([
    ['read', [0, 63]],
    ['write', [1, 64]],
    ['mmap', [9, 222]],
    ['futex', [202, 98]],
    ['openat', [257, 56]],
    ['execve', [59, 221]],
    ['exit_group', [231, 94]],
    ['getrandom', [318, 278]],
    ['faccessat2', [439, 439]],
  ])('lets %s through', (_, numbers) => {
    expect(verdict(numbers)).toBe('allowed');
  });

  test.each<[string, readonly [number, number]]>([
    ['socket', [41, 198]],
    ['connect', [42, 203]],
    ['ptrace', [101, 117]],
    ['mount', [165, 40]],
    ['unshare', [272, 97]],
    ['setns', [308, 268]],
    ['bpf', [321, 280]],
    ['perf_event_open', [298, 241]],
    ['keyctl', [250, 219]],
    ['io_uring_setup', [425, 425]],
    ['userfaultfd', [323, 282]],
    ['process_vm_readv', [310, 270]],
    ['kill', [62, 129]],
    ['unlinkat', [263, 35]],
    ['clone3', [435, 435]],
    ['one that is not made yet', [999, 999]],
  ])('knows no %s', (_, numbers) => {
    expect(verdict(numbers)).toBe(enosys);
  });

  test('threads may be made, namespaces may not', () => {
    expect(verdict([56, 220], threadFlags)).toBe('allowed');
    for (const flag of [17, 25, 26, 27, 28, 29, 30].map((bit) => 2 ** bit)) {
      expect(verdict([56, 220], threadFlags | flag)).toBe(eperm);
    }
  });

  test('nothing is a terminal, and no device takes orders', () => {
    expect(verdict([16, 29])).toBe(enotty);
  });

  test('calls of another processor’s table end the process', () => {
    for (const other of [0x40000003, 0x40000028, 0]) {
      expect(judge(filter, call(other, 0))).toBe('killed');
    }
    expect(judge(filter, call(audit, 0x40000000))).toBe(enosys);
  });
});

test('there is none for a processor whose calls are not known', () => {
  expect(seccompFilter('riscv64')).toBeNull();
});
