import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filmScene } from '../fixtures/scene-clip.ts';
import { startService } from '../fixtures/start-service.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? 'throw new Error("no example")';

/** Writes a program inside the package, so that its own name resolves as it does for users. */
function inPackage(extension: string, program: string): string {
  const file = join(root, `dist/readme-example-${process.pid}.${extension}`);
  writeFileSync(file, program);
  return file;
}

describe('the README', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'maskstream-readme-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('has a client that runs as it stands', async () => {
    const { truths } = await filmScene(folder, 6);
    await using server = await startService();
    const box = JSON.stringify(truths[0]?.get(1)?.box);
    const { stdout, stderr, code } = await runExample(server.address, box);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(6);
    for (const [index, line] of lines.entries()) {
      // The scene's post may hide the object: then there is no mask to decode.
      const pixels = index === 0 ? `${192 * 108}` : `(${192 * 108}|undefined)`;
      expect(line).toMatch(new RegExp(`^${index} 1 [01]\\.\\d\\d ${pixels}$`));
    }
  });

  test('has a client that outlives a refused prompt, and says why it was refused', async () => {
    await filmScene(folder, 6);
    await using server = await startService();
    const beside = '{ x: 5000, y: 80, width: 200, height: 150 }';
    const { stdout, stderr, code } = await runExample(server.address, beside);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^invalid-prompt .*\n$/);
  });

  test('has a client that compiles in a strict project', () => {
    const file = inPackage('mts', example);
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const strict = '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noEmit';
    const target = '--module nodenext --target es2022 --types node --ignoreConfig';
    const words = [compiler, ...strict.split(' '), ...target.split(' '), file];
    const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: root });
    rmSync(file);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  async function runExample(address: string, box: string) {
    const program = example
      .replace('127.0.0.1:50051', address)
      .replace(/const box = .*/, `const box = ${box};`)
      .replace('video.mp4', join(folder, 'clip.mp4'));
    const file = inPackage('mjs', program);
    const child = spawn(process.execPath, [file]);
    const ended = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await ended;
    rmSync(file);
    return { stdout, stderr, code: child.exitCode };
  }

  test('names only files, commands and scripts that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const scripts = [...readme.matchAll(/npm run (\w+)/g)].map(([, name]) => name);
    const { scripts: known } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.filter((name) => name === undefined || !(name in known))).toEqual([]);
  });
});

test('bin/maskstream runs, and tells its version', () => {
  const program = join(root, 'bin/maskstream');
  const run = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8' });
  const file = readFileSync(join(root, 'package.json'), 'utf8');
  expect(run).toMatchObject({
    status: 0,
    stdout: `${(JSON.parse(file) as { version: string }).version}\n`,
    stderr: '',
  });
});
