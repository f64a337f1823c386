/** Processors for which the calls are known, by Node's names. */
export type FilteredArch = 'x64' | 'arm64';

/** Number of a system call on each processor; null: it has none of this name. */
type Numbers = readonly [x64: number, arm64: number | null];

/**
 * What ffmpeg, its libraries and the C library call to read pipes and files, have memory, threads and
 * time, and end. Numbers: Linux' tables, arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h (arm64).
 */
const allowed: Readonly<Record<string, Numbers>> = {
  // Files and pipes.
  read: [0, 63],
  write: [1, 64],
  open: [2, null],
  close: [3, 57],
  stat: [4, null],
  fstat: [5, 80],
  lstat: [6, null],
  poll: [7, null],
  lseek: [8, 62],
  pread64: [17, 67],
  pwrite64: [18, 68],
  readv: [19, 65],
  writev: [20, 66],
  access: [21, null],
  pipe: [22, null],
  select: [23, null],
  dup: [32, 23],
  dup2: [33, null],
  fcntl: [72, 25],
  getcwd: [79, 17],
  readlink: [89, null],
  statfs: [137, 43],
  fstatfs: [138, 44],
  getdents64: [217, 61],
  fadvise64: [221, 223],
  openat: [257, 56],
  newfstatat: [262, 79],
  readlinkat: [267, 78],
  faccessat: [269, 48],
  pselect6: [270, 72],
  ppoll: [271, 73],
  dup3: [292, 24],
  pipe2: [293, 59],
  statx: [332, 291],
  faccessat2: [439, 439],
  // Memory.
  mmap: [9, 222],
  mprotect: [10, 226],
  munmap: [11, 215],
  brk: [12, 214],
  mremap: [25, 216],
  madvise: [28, 233],
  // Of libraries that keep keys, though there are none: they complain where they may not.
  mlock: [149, 228],
  munlock: [150, 229],
  // Threads and signals.
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  rt_sigreturn: [15, 139],
  sched_yield: [24, 124],
  sigaltstack: [131, 132],
  gettid: [186, 178],
  futex: [202, 98],
  sched_getaffinity: [204, 123],
  set_tid_address: [218, 96],
  restart_syscall: [219, 128],
  tgkill: [234, 131],
  set_robust_list: [273, 99],
  get_robust_list: [274, 100],
  getcpu: [309, 168],
  membarrier: [324, 283],
  rseq: [334, 293],
  // Time.
  nanosleep: [35, 101],
  gettimeofday: [96, 169],
  times: [100, 153],
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  clock_nanosleep: [230, 115],
  // What it may know of itself, and its end.
  getpid: [39, 172],
  uname: [63, 160],
  getrlimit: [97, 163],
  getrusage: [98, 165],
  sysinfo: [99, 179],
  getuid: [102, 174],
  getgid: [104, 176],
  geteuid: [107, 175],
  getegid: [108, 177],
  prctl: [157, 167],
  arch_prctl: [158, null],
  getrandom: [318, 278],
  exit: [60, 93],
  exit_group: [231, 94],
  // What starts it: prlimit, which becomes ffmpeg.
  execve: [59, 221],
  setrlimit: [160, 164],
  prlimit64: [302, 261],
};

/** Calls that are looked at more closely. */
const special = { ioctl: [16, 29], clone: [56, 220] } as const satisfies Record<string, Numbers>;

/** Numbers of the calls that are let through, ascending. */
export function allowedCalls(arch: FilteredArch): number[] {
  const own = Object.values(allowed).map((numbers) => numbers[columnOf(arch)]);
  return own.filter((number) => number !== null).toSorted((a, b) => a - b);
}

/** Number of a call that is let through in part. */
export function specialCall(name: keyof typeof special, arch: FilteredArch): number {
  return special[name][columnOf(arch)];
}

function columnOf(arch: FilteredArch): 0 | 1 {
  return arch === 'x64' ? 0 : 1;
}
