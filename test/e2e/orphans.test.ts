import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { childrenOf } from '../../src/process-tree.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
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

test.runIf(process.platform === 'linux')(
  'a server that is killed leaves no child, busy or waiting for input',
  async () => {
    const size = '640x360';
    const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size, frames: 200 });
    const video = await readFile(clip);
    await using server = await startServerProcess(['--threads', '1']);
    const client = connect(server.address, { resume: false });
    const config = { container: 'mpeg-ts', delivery: 'every-frame' } as const;
    // One decoder has more than it can hand over, one waits for bytes that never come.
    const busy = client.segmentVideo(config);
    const waiting = client.segmentVideo(config);
    const ends = [busy, waiting].map((stream) => stream.summary.catch((reason: unknown) => reason));
    void busy.sendChunk(video).catch(() => undefined);
    void waiting.sendChunk(video.subarray(0, 20_000)).catch(() => undefined);
    const decoders = () => descendantsOf(server.pid).filter((pid) => nameOf(pid) === 'ffmpeg');
    await expect.poll(() => decoders().length, { timeout: 20_000 }).toBe(2);
    // With the monitors of sandboxes.
    const children = descendantsOf(server.pid);
    process.kill(server.pid, 'SIGKILL');
    await expect.poll(() => children.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    await Promise.all(ends);
    client.close();
  },
);
