import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { processCpuMs } from '../../src/process-tree.ts';

const program = join(fileURLToPath(new URL('../..', import.meta.url)), 'bin/maskstream');

test('serve says where it listens, asks for its token, and ends in order on SIGTERM', async () => {
  const words = [program, 'serve', '--listen', '127.0.0.1:0', '--no-web', '--log-level', 'warn'];
  const env = { ...process.env, MASKSTREAM_TOKEN: 'secret', MASKSTREAM_DRAIN_SECONDS: '1' };
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const address = /^listening on (127\.0\.0\.1:\d+)$/.exec(line)?.[1];
  if (address === undefined) throw new Error(`expected an address, got ${line}`);

  const stranger = connect(address);
  await expect(stranger.listModels()).rejects.toMatchObject({ status: 'UNAUTHENTICATED' });
  stranger.close();
  const client = connect(address, { token: 'secret' });
  const [model] = await client.listModels();
  expect(model).toMatchObject({ name: 'maskstream-tiny', selfTest: { passed: true } });
  const cpuMs = processCpuMs(child.pid ?? 0);
  expect(cpuMs ?? Infinity).toBeGreaterThan(50);
  client.close();

  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(processCpuMs(child.pid ?? 0)).toBeNull();
});

test.each([
  ['is closed by its reader', 'pipe'],
  ['finds no room', openSync('/dev/full', 'w')],
] as const)('a server whose log %s goes on serving', async (_what, log) => {
  const words = [program, 'serve', '--listen', '127.0.0.1:0', '--no-web'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', log] });
  const ended = once(child, 'exit');
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  child.stderr?.destroy();
  using client = connect(line.replace('listening on ', ''));
  // Each has its line in the log.
  for (let i = 0; i < 3; i++) expect(await client.listModels()).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('a model that is not there ends it with exit code 1', async () => {
  const child = spawn(process.execPath, [program, 'serve', '--model', 'nothing']);
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(said).toContain('expected a model name or a folder with manifest.json, got "nothing"');
});

test('a start that fails after the port was opened ends the process, too', async () => {
  const words = [program, 'serve', '--listen', '127.0.0.1:0', '--web-port', '0'];
  const env = { ...process.env, TMPDIR: join(program, 'none') };
  const child = spawn(process.execPath, words, { env });
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(2);
  expect(said).toContain('expected a folder for temporary files, which TMPDIR names, got: ENOTDIR');
});
