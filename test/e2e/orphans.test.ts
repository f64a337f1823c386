import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { startListener } from '../../src/evaluation/server-process.ts';
import { NoticeKind } from '../../src/gen/maskstream/v1/video_response.ts';
import { packageRoot } from '../../src/package-root.ts';
import { childrenOf } from '../../src/process-tree.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';

/** Ids of the processes that a process has started, and that they have. */
function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return ''; // It ended since it was listed.
  }
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // A zombie waits for whoever adopts it, which in a container may be nobody.
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

/** Programs that confine, without bubblewrap. */
function pathWithoutSandbox(): string {
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-path-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const program of ['ffmpeg', 'setpriv', 'prlimit', 'node', 'sh', 'env']) {
    const found = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((part) => join(part, program))
      .find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(folder, program));
  }
  return folder;
}

/** A server with the decoders' strictest confinement, and with less. */
const confinements: readonly [
  string,
  () => { readonly words: readonly string[]; readonly path: string | undefined },
][] = [
  [
    'in the strictest confinement that works here',
    () => ({ words: [], path: process.env['PATH'] }),
  ],
  ['without a sandbox', () => ({ words: [], path: pathWithoutSandbox() })],
  ['without confinement', () => ({ words: ['--confine', 'off'], path: process.env['PATH'] })],
];

const program = join(packageRoot(), 'bin/maskstream');

/** In a session of its own, as a shell gives one to what it runs in a terminal. */
function startInSession(options: readonly string[], path: string | undefined) {
  const words = [program, 'serve', '--listen', '127.0.0.1:0', '--no-web', '--log-level', 'error'];
  const environment = { ...process.env, PATH: path, MASKSTREAM_DRAIN_SECONDS: '60' };
  return startListener([...words, ...options, '--threads', '1'], '/usr/bin/setsid', environment);
}

function decodersOf(pid: number): number[] {
  return descendantsOf(pid).filter((child) => nameOf(child) === 'ffmpeg');
}

describe.runIf(process.platform === 'linux').each(confinements)('%s', (_, choose) => {
  test('a server that is killed leaves no child, busy or waiting for input', async () => {
    const { words, path } = choose();
    const size = '640x360';
    const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size, frames: 200 });
    const video = await readFile(clip);
    await using server = await startInSession(words, path);
    using client = connect(server.address, { resume: false });
    const config = { container: 'mpeg-ts', delivery: 'every-frame' } as const;
    // One decoder has more than it can hand over, one waits for bytes that never come.
    const busy = client.segmentVideo(config);
    const waiting = client.segmentVideo(config);
    const ends = [busy, waiting].map((stream) => stream.summary.catch((reason: unknown) => reason));
    void busy.sendChunk(video).catch(() => undefined);
    void waiting.sendChunk(video.subarray(0, 20_000)).catch(() => undefined);
    await expect.poll(() => decodersOf(server.pid).length, { timeout: 20_000 }).toBe(2);
    // With the monitors of sandboxes.
    const children = descendantsOf(server.pid);
    process.kill(server.pid, 'SIGKILL');
    await expect.poll(() => children.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    await Promise.all(ends);
  });

  test('Ctrl-C in a terminal lets streams end', async () => {
    const { words, path } = choose();
    const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size: '160x120' });
    const video = await readFile(clip);
    await using server = await startInSession(words, path);
    using client = connect(server.address, { resume: false });
    const stream = client.segmentVideo({ container: 'mpeg-ts', delivery: 'every-frame' });
    let isGoingAway = false;
    let frames = 0;
    const ended = (async () => {
      for await (const result of stream) {
        if (result.kind === 'masks') frames++;
        if (result.kind !== 'notice') continue;
        isGoingAway ||= result.notice.kind === NoticeKind.NOTICE_KIND_GOING_AWAY;
      }
    })();
    await stream.sendChunk(video.subarray(0, video.length / 2));
    await expect.poll(() => frames, { timeout: 20_000 }).toBeGreaterThan(0);
    // A terminal tells all processes of the group that is in front.
    process.kill(-server.pid, 'SIGINT');
    await expect.poll(() => isGoingAway, { timeout: 10_000 }).toBe(true);
    expect(decodersOf(server.pid)).toHaveLength(1);
    await stream.sendChunk(video.subarray(video.length / 2));
    stream.end();
    await ended;
    expect(frames).toBe(20);
    await expect.poll(() => isAlive(server.pid), { timeout: 10_000 }).toBe(false);
  });
});
