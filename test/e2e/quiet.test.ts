import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import { canTrace, startWatched, tracedChild } from '../fixtures/watched-process.ts';
import type { WatchedProcess } from '../fixtures/watched-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'bin/maskstream');

// Connecting a socket for datagrams sends nothing, but is what every resolver begins with.
const lookUp = `require('node:dgram').createSocket('udp4').connect(53, '127.0.0.1', () => process.exit())`;

const loadModel = `
  import { loadModel } from '${join(root, 'dist/src/inference/index.js')}';
  const directory = '${join(root, 'models/maskstream-tiny')}';
  const model = await loadModel({ directory, signal: new AbortController().signal });
  await model.close();`;

describe('maskstream keeps to itself', () => {
  let folder = '';
  let clip = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maskstream-quiet-'));
    clip = (await filmScene(folder, 6)).file;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const watch = (name: string, words: readonly string[]): WatchedProcess =>
    startWatched(join(folder, name), words);

  test.skipIf(!canTrace)('and this file would see a name being looked up', async () => {
    const { child, reachedOut } = watch('control', ['-e', lookUp]);
    await once(child, 'close');
    expect(reachedOut()).toEqual([expect.stringContaining('htons(53)')]);
  });

  test('while it serves', async () => {
    const { child, filesLeft, reachedOut } = watch('serve', [program, 'serve', '--listen=[::1]:0']);
    child.stderr.resume();
    const ended = once(child, 'close');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    using client = connect(line.replace('listening on ', ''));
    expect(await client.listModels()).toHaveLength(1);
    // To the server itself: strace passes no signal on.
    process.kill(canTrace ? tracedChild(child.pid ?? 0) : (child.pid ?? 0), 'SIGTERM');
    await ended;
    expect(filesLeft()).toEqual([]);
    expect(reachedOut()).toEqual([]);
  });

  test.each([
    [
      'segments a file',
      () => [program, 'segment', clip, '--box=40,30,60,50', `--out=${folder}/out`],
    ],
    ['lends its model to a bench', () => ['--input-type=module', '-e', loadModel]],
  ])('while it %s', async (name, words) => {
    const { child, filesLeft, reachedOut } = watch(name, words());
    const ended = once(child, 'close');
    const [, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    expect({ code: child.exitCode, stderr }).toMatchObject({ code: 0 });
    expect(filesLeft()).toEqual([]);
    expect(reachedOut()).toEqual([]);
  });

  test('while a client connects to a host by its name', async () => {
    const { child, reachedOut } = watch('client', [
      '--input-type=module',
      '-e',
      `import { connect } from '${join(root, 'dist/clients/typescript/index.js')}';
       const client = connect('localhost:9');
       await client.listModels({ timeoutMs: 2000 }).catch(() => {});
       client.close();`,
    ]);
    const stderr = await text(child.stderr);
    expect(stderr).toBe('');
    // The name itself is in the hosts file.
    expect(reachedOut()).toEqual([]);
  });
});
