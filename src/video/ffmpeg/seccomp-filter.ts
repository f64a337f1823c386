import { allowedCalls, type FilteredArch, specialCall } from './system-calls.ts';

/** Descriptor at which bubblewrap finds the filter; 3 is a file that ffmpeg reads. */
export const filterDescriptor = 4;

/** Operations of classic BPF that the filter needs (linux/bpf_common.h). */
const loadWord = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAnySet = 0x45;
const giveBack = 0x06;

/** Where struct seccomp_data has the call's number, its processor, and its first argument's low half. */
const numberAt = 0;
const archAt = 4;
const firstArgumentAt = 16;

/** linux/audit.h */
const audit: Readonly<Record<FilteredArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** linux/seccomp.h */
const allow = 0x7fff0000;
const killProcess = 0x80000000;
const errorNumber = 0x00050000;

/** The same on both processors. */
const noSuchCall = errorNumber | 38; // ENOSYS
const notPermitted = errorNumber | 1; // EPERM
const noTerminal = errorNumber | 25; // ENOTTY

/** Namespaces of its own (linux/sched.h): files, control groups, names, IPC, users, processes, network. */
const newNamespaces =
  0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * A seccomp filter as `bwrap --seccomp` reads it: struct sock_filter after struct sock_filter. What is
 * not on the list does not exist (ENOSYS), to which C libraries have answers, so that a newer one does
 * without instead of being killed. Every ioctl is told that it is no terminal; threads may be made, but no
 * namespaces; clone3, whose arguments no filter can see, does not exist, and clone takes its place.
 * A call of another processor's table ends the process.
 *
 * Null for a processor whose calls are not known here.
 */
export function seccompFilter(arch: string = process.arch): Buffer | null {
  if (arch !== 'x64' && arch !== 'arm64') return null;
  const calls = allowedCalls(arch);
  const program: readonly Instruction[] = [
    [loadWord, 0, 0, archAt],
    [jumpIfEqual, 1, 0, audit[arch]],
    [giveBack, 0, 0, killProcess],
    [loadWord, 0, 0, numberAt],
    [jumpIfEqual, 0, 1, specialCall('ioctl', arch)],
    [giveBack, 0, 0, noTerminal],
    [jumpIfEqual, 0, 4, specialCall('clone', arch)],
    [loadWord, 0, 0, firstArgumentAt],
    [jumpIfAnySet, 0, 1, newNamespaces],
    [giveBack, 0, 0, notPermitted],
    [giveBack, 0, 0, allow],
    // The last of them falls through to the refusal; each jumps over what is left of the list, and it.
    ...calls.map((call, index): Instruction => [jumpIfEqual, calls.length - index, 0, call]),
    [giveBack, 0, 0, noSuchCall],
    [giveBack, 0, 0, allow],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value >>> 0, at + 4);
  }
  return bytes;
}
