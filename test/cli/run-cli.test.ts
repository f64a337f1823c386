import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { packageVersion } from '../../src/package-root.ts';
import { captureCli } from '../fixtures/capture-cli.ts';

const root = new URL('../..', import.meta.url).href;

/** The files that the program, as it is built, loads for a command line. */
function filesLoaded(...words: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-loaded-'));
  try {
    const main = fileURLToPath(new URL('dist/src/main.js', root));
    const env = { ...process.env, NODE_V8_COVERAGE: folder };
    expect(spawnSync(process.execPath, [main, ...words], { env }).status).toBe(0);
    return readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each(['--help', '--version'])('%s loads no command and no package', (word) => {
  const files = filesLoaded(word).map((url) => url.replace(`${root}dist/`, ''));
  expect(files).toContain('src/cli/commands.js');
  expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
  expect(files.length).toBeLessThanOrEqual(12);
});

test('the overview has every command, and the help of each begins with the same sentence', async () => {
  const overview = await captureCli(['--help']);
  expect(overview).toMatchObject({ code: 0, stderr: '' });
  for (const { name, summary } of commands) {
    expect(overview.stdout).toContain(`  ${name.padEnd(10)}${summary}\n`);
    const help = await captureCli([name, '--help']);
    expect(help.stdout.split('\n')[0]).toBe(summary);
  }
  expect((await captureCli(['--version'])).stdout).toBe(`${packageVersion()}\n`);
});

test('a word that is no command is an error that names all of them', async () => {
  const { code, stderr } = await captureCli(['serv']);
  expect(code).toBe(2);
  expect(stderr).toContain(`expected a command (${commands.map(({ name }) => name).join(', ')})`);
});
