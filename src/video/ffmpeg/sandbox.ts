import { findOnPath } from './find-on-path.ts';
import type { Launcher } from './launchers.ts';
import { filterDescriptor } from './seccomp-filter.ts';

/** Programs, libraries and the linker's cache: what a dynamically linked ffmpeg is made of. */
const readOnly = ['/usr', '/bin', '/lib', '/lib64', '/etc/ld.so.cache', '/etc/alternatives'];

/**
 * A sandbox by bubblewrap: namespaces of its own for users, processes, network, IPC and host name, a
 * root folder that holds ffmpeg and libraries alone and cannot be written, no capabilities, no new
 * privileges, SIGKILL when the server ends. Its `/proc` shows the child alone, and gives it the file
 * that it inherits as `/dev/fd/3`.
 *
 * Null where there is no bubblewrap. Whether the kernel lets it is known when it is tried:
 * containers and some distributions refuse unprivileged user namespaces.
 *
 * @param program the ffmpeg, wherever it lies
 * @param options.devices paths below `/dev` that it may use, where there are such
 * @param options.isFiltered bubblewrap is given a filter of system calls at {@link filterDescriptor}
 */
export async function findSandbox(
  program: string,
  searchPath: string,
  {
    devices = [],
    isFiltered,
  }: { readonly devices?: readonly string[] | undefined; readonly isFiltered: boolean },
): Promise<Launcher | null> {
  if (process.platform !== 'linux') return null;
  const bwrap = await findOnPath('bwrap', searchPath);
  if (bwrap === null) return null;
  const words = [
    bwrap,
    ...'--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts'.split(' '),
    ...'--unshare-cgroup-try --die-with-parent --new-session --as-pid-1 --cap-drop ALL'.split(' '),
    ...readOnly.flatMap((path) => ['--ro-bind-try', path, path]),
    ...(isBelow(program, readOnly) ? [] : ['--ro-bind', program, program]),
    ...'--proc /proc --dev /dev'.split(' '),
    ...devices.flatMap((path) => ['--dev-bind-try', path, path]),
    // Drivers look up their devices there.
    ...(devices.length === 0 ? [] : ['--ro-bind-try', '/sys', '/sys']),
    ...(isFiltered ? ['--seccomp', String(filterDescriptor)] : []),
    ...'--remount-ro /dev --remount-ro / --chdir / --'.split(' '),
  ];
  return {
    words,
    holds: [
      `in a sandbox of ${bwrap}`,
      'no network',
      'its own read-only files',
      'its own processes',
      ...(isFiltered ? ['system calls of a list alone'] : []),
      'no new privileges',
      'no capabilities',
      'killed when the server ends',
    ],
  };
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}
