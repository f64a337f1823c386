import { spawn, spawnSync } from 'node:child_process';
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

describe('the README', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'maskstream-readme-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('has a client that runs as it stands', async () => {
    const { truths } = await filmScene(folder, 6);
    const box = truths[0]?.get(1)?.box;
    await using server = await startService();
    const program = /```js\n([\s\S]*?)```/
      .exec(readme)?.[1]
      ?.replace('127.0.0.1:50051', server.address)
      .replace(/const box = .*/, `const box = ${JSON.stringify(box)};`)
      .replace('video.mp4', join(folder, 'clip.mp4'));
    // Inside the package, so that its own name resolves as it does for users.
    const file = join(root, `dist/readme-example-${process.pid}.mjs`);
    writeFileSync(file, program ?? 'throw new Error("no example")');
    const child = spawn(process.execPath, [file]);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    rmSync(file);
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(6);
    for (const [index, line] of lines.entries()) {
      // The scene's post may hide the object: then there is no mask to decode.
      const pixels = index === 0 ? `${192 * 108}` : `(${192 * 108}|undefined)`;
      expect(line).toMatch(new RegExp(`^${index} 1 [01]\\.\\d\\d ${pixels}$`));
    }
  });

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
