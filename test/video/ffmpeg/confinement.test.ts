import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findOnPath } from '../../../src/video/ffmpeg/find-on-path.ts';
import { childrenOf } from '../../../src/process-tree.ts';
import { startFfmpeg } from '../../../src/video/ffmpeg/process.ts';
import { outputOfConfined } from '../../../src/video/ffmpeg/spawn-confined.ts';
import { findFfmpeg, type FfmpegBinary } from '../../../src/video/index.ts';
import {
  childIds,
  expectNothingLeft,
  systemFfmpeg,
  temporaryPath,
} from '../../fixtures/encoded-clips.ts';

expectNothingLeft();

const places = '/usr/local/bin:/usr/bin:/bin';

/** A folder with some programs of this machine, to be a search path. */
async function folderOf(name: string, programs: readonly string[]): Promise<string> {
  const folder = temporaryPath(name);
  await mkdir(folder, { recursive: true });
  for (const program of programs) {
    const path = await findOnPath(program, places);
    if (path !== null) await symlink(path, join(folder, program));
  }
  return folder;
}

async function findIn(folder: string): Promise<FfmpegBinary> {
  return findFfmpeg({ ffmpegPath: systemFfmpeg.path, searchPath: folder });
}

const withoutSandbox = await findIn(await folderOf('privileges', ['setpriv', 'prlimit']));
const hasPrivileges = withoutSandbox.confinement.kind === 'privileges';
const hasSandbox = systemFfmpeg.confinement.kind === 'sandbox';

/** Runs `look` on an ffmpeg that waits for input, by the id that it has here. */
async function whileWaiting(
  { path, confinement }: FfmpegBinary,
  look: (pid: number) => void | Promise<void>,
): Promise<void> {
  const words = '-hide_banner -loglevel debug -f h264 -i pipe:0 -f null -'.split(' ');
  const began = new EventEmitter();
  // Only ffmpeg speaks where all goes well.
  const onLogLine = () => void began.emit('line');
  const child = startFfmpeg(path, words, { confinement, onLogLine });
  try {
    await once(began, 'line');
    const pid = child.pid ?? 0;
    await look(childrenOf(pid)[0] ?? pid);
  } finally {
    await child.stop();
  }
}

function statusOf(pid: number): (field: string) => string {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return (field) => new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(text)?.[1] ?? 'absent';
}

/** What ffmpeg says of an input that it may not have. */
async function refusalOf({ path, confinement }: FfmpegBinary, input: string): Promise<string> {
  const said: string[] = [];
  const words = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-i', input, '-f', 'null', '-'];
  const child = startFfmpeg(path, words, { confinement, onLogLine: (line) => said.push(line) });
  child.stdout.resume();
  await child.exited;
  await child.stop();
  return said.join('\n');
}

const isFiltered = systemFfmpeg.confinement.filter !== null;

describe.runIf(isFiltered)('a decoder whose system calls are filtered', () => {
  test('has the filter, and says so', async () => {
    await whileWaiting(systemFfmpeg, (pid) => {
      expect(statusOf(pid)('Seccomp')).toMatch(/^2/);
      // The filter's own descriptor is not left open.
      expect(readdirSync(`/proc/${pid}/fd`)).not.toContain('4');
    });
    expect(systemFfmpeg.describe).toContain('system calls of a list alone');
  });

  test('a program in it finds that others do not exist', async () => {
    const program = '/usr/bin/unshare';
    const { confinement } = systemFfmpeg;
    expect(await outputOfConfined(program, ['--version'], confinement)).toContain('util-linux');
    const unsharing = outputOfConfined(program, ['--user', '/usr/bin/true'], confinement);
    await expect(unsharing).rejects.toMatchObject({
      stderr: expect.stringContaining('Function not implemented'),
    });
  });
});

test('a filter that is refused leaves the sandbox without one, and says why', async () => {
  const folder = await folderOf('no-filter', ['setpriv']);
  const program = join(folder, 'bwrap');
  const bwrap = (await findOnPath('bwrap', places)) ?? '/nowhere';
  const script = `#!/bin/sh\ncase "$*" in *--seccomp*) echo 'bwrap: no seccomp here' >&2; exit 1;; esac\nexec ${bwrap} "$@"\n`;
  await writeFile(program, script);
  await chmod(program, 0o755);
  const { confinement } = await findIn(folder);
  expect(confinement.filter).toBeNull();
  expect(confinement.kind).toBe(hasSandbox ? 'sandbox' : 'privileges');
  expect(confinement.lacks).toContainEqual(
    'filter of system calls: refused here, bwrap: no seccomp here',
  );
});

describe.runIf(hasPrivileges).each([
  ['by setpriv', withoutSandbox],
  ['by bubblewrap', hasSandbox ? systemFfmpeg : withoutSandbox],
])('a decoder that is confined %s', (_, ffmpeg) => {
  test('gains no privileges, has no capabilities and its limits', async () => {
    await whileWaiting(ffmpeg, (pid) => {
      const status = statusOf(pid);
      expect(status('Name')).toBe('ffmpeg');
      expect(status('NoNewPrivs')).toBe('1');
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) {
        expect([set, Number(`0x${status(set)}`)]).toEqual([set, 0]);
      }
      const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
      expect(limits).toMatch(/^Max data size +805306368 /m);
      expect(limits).toMatch(/^Max file size +0 /m);
      expect(limits).toMatch(/^Max open files +64 /m);
      expect(limits).toMatch(/^Max core file size +0 /m);
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      expect(
        environment
          .replaceAll(/\bPWD=\/\0/g, '')
          .split('\0')
          .filter(Boolean),
      ).toEqual(['LC_ALL=C', 'AV_LOG_FORCE_NOCOLOR=1']);
      expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    });
  });

  test('says in one line what holds', () => {
    expect(ffmpeg.describe).toContain('no new privileges');
    expect(ffmpeg.describe).toContain('killed when the server ends');
    expect(ffmpeg.describe).toContain('--data=805306368');
  });

  test('that dies is told from one that ends', async () => {
    const { path, confinement } = ffmpeg;
    const child = startFfmpeg(path, '-f h264 -i pipe:0 -f null -'.split(' '), {
      confinement,
      onLogLine: () => undefined,
    });
    const pid = child.pid ?? 0;
    const inside = () => (confinement.hasMonitor ? childrenOf(pid)[0] : pid);
    await expect.poll(() => statusOf(inside() ?? pid)('Name'), { timeout: 10_000 }).toBe('ffmpeg');
    process.kill(inside() ?? pid, 'SIGKILL');
    expect(await child.exited).toEqual({ kind: 'killed', by: 'others', signal: 'SIGKILL' });
    await child.stop();
  });
});

describe.runIf(hasSandbox)('a decoder in a sandbox', () => {
  test('has namespaces of its own and may start few processes', async () => {
    await whileWaiting(systemFfmpeg, (pid) => {
      for (const kind of ['user', 'pid', 'net', 'ipc', 'uts', 'mnt']) {
        const [its, ours] = [pid, 'self'].map((id) => readlinkSync(`/proc/${id}/ns/${kind}`));
        expect([kind, its]).not.toEqual([kind, ours]);
      }
      expect(readFileSync(`/proc/${pid}/limits`, 'latin1')).toMatch(/^Max processes +64 /m);
      const devices = readFileSync(`/proc/${pid}/net/dev`, 'latin1').trim().split('\n').slice(2);
      expect(devices.map((line) => line.trim().split(':')[0])).toEqual(['lo']);
      const mounts = readFileSync(`/proc/${pid}/mounts`, 'latin1').trim().split('\n');
      const writable = mounts
        .filter((line) => / rw,|,rw,| rw /.test(line))
        .map((line) => line.split(' ')[1]);
      for (const place of writable) expect(place).toMatch(/^\/(?:proc|dev\/)/);
    });
  });

  test('reaches no port of this machine, where another one does', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const input = `tcp://127.0.0.1:${port}`;
    expect(await refusalOf(systemFfmpeg, input)).toMatch(
      /Connection refused|unreachable|not implemented/,
    );
    expect(connections).toBe(0);
    await refusalOf(await findFfmpeg({ ffmpegPath: systemFfmpeg.path, confine: 'off' }), input);
    expect(connections).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });

  test('sees no file of this machine but programs and libraries', async () => {
    const secret = temporaryPath('secret');
    await writeFile(secret, 'secret');
    for (const path of [secret, '/etc/passwd', process.execPath.replace(/^\/usr\/.*/, secret)]) {
      expect(await refusalOf(systemFfmpeg, path)).toContain('No such file or directory');
    }
  });

  test('is gone where it is ended before it began', async () => {
    const { path, confinement } = systemFfmpeg;
    for (let run = 0; run < 20; run++) {
      const words = '-f h264 -i pipe:0 -f null -'.split(' ');
      const child = startFfmpeg(path, words, { confinement, onLogLine: () => undefined });
      // Each run at another moment of the start: before the sandbox, in it, with ffmpeg.
      await new Promise((resolve) => setTimeout(resolve, run));
      await child.stop();
      expect(childIds()).toEqual([]);
    }
  });

  test('is any ffmpeg, wherever it lies', async () => {
    const { path } = await findFfmpeg({ searchPath: '/nowhere' });
    const bundled = await findFfmpeg({ ffmpegPath: path });
    expect(bundled.confinement.kind).toBe('sandbox');
  });
});

test('where the kernel refuses a sandbox the next best holds, and the log says why', async () => {
  const folder = await folderOf('refused', ['setpriv', 'prlimit']);
  const bwrap = join(folder, 'bwrap');
  await writeFile(
    bwrap,
    '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n',
  );
  await chmod(bwrap, 0o755);
  const { confinement, describe: line } = await findIn(folder);
  expect(confinement.kind).toBe(hasPrivileges ? 'privileges' : 'none');
  expect(line).toContain('without sandbox: refused here, bwrap: No permissions');
});

test('without any of the programs ffmpeg runs all the same, and the log says what is missing', async () => {
  const { confinement, describe: line } = await findIn('/nowhere');
  expect(confinement).toMatchObject({ kind: 'none', isLimited: false, holds: [] });
  expect(confinement.wrap('ffmpeg', ['-version'])).toEqual(['ffmpeg', ['-version']]);
  expect(line).toMatch(
    /without sandbox: there is no bubblewrap.*without limits: there is no prlimit/,
  );
});

test('confinement that is turned off leaves the limits', async () => {
  const { confinement, describe: line } = await findFfmpeg({
    ffmpegPath: systemFfmpeg.path,
    confine: 'off',
  });
  expect(confinement.kind).toBe('none');
  expect(confinement.isLimited).toBe(systemFfmpeg.confinement.isLimited);
  expect(line).toContain('without confinement: it is turned off');
});
