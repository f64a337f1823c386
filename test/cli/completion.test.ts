import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { captureCli } from '../fixtures/capture-cli.ts';

const { stdout: script } = await captureCli(['completion', 'bash']);

/** What bash offers behind these words; the last one is being typed. */
function offered(...words: string[]): string[] {
  const line = ['maskstream', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _maskstream; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['--norc', '-c', ask], { encoding: 'utf8' });
  return said.split('\n').filter((word) => word !== '');
}

test('commands, options of a command and values of an option are completed', () => {
  expect(offered('se')).toEqual(['serve', 'segment']);
  expect(offered('segment', '--key')).toEqual(['--keyframes', '--key']);
  expect(offered('serve', '--web')).toEqual(['--web-port']);
  expect(offered('segment', 'a.mp4', '--format', 'y')).toEqual(['ytvis', 'yolo']);
  expect(offered('segment', '--overlay', 'cut')).toEqual(['cut-out']);
  expect(offered('segment', '--delivery', '')).toEqual(['every-frame', 'latest']);
});

test('what it does not know is left to the shell, for file names', () => {
  expect(offered('segment', 'vid')).toEqual([]);
  expect(offered('segment', '--mask', 'a')).toEqual([]);
  expect(script).toContain('complete -o default');
});

test('zsh loads the script of bash; other shells are an error', async () => {
  const { stdout } = await captureCli(['completion', 'zsh']);
  expect(stdout).toBe(`autoload -U +X bashcompinit && bashcompinit\n${script}`);
  expect(await captureCli(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  expect((await captureCli(['completion'])).stderr).toContain('expected a shell (bash, zsh)');
});
