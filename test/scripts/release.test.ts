import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A package of its own, in a git repository of its own, that may be released as 1.2.3. */
describe('a release', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maskstream-release-test-'));
    mkdirSync(join(folder, 'proto/images'), { recursive: true });
    cpSync(join(root, 'buf.yaml'), join(folder, 'buf.yaml'));
    write('proto/a.proto', 'syntax = "proto3";\npackage a.v1;\nmessage A {\n  bool b = 1;\n}\n');
    write('index.js', '// Nothing.\n');
    write('.gitignore', '*.tgz\n');
    write('package-lock.json', JSON.stringify({ name: 'a', version: '1.2.3' }));
    write('CHANGELOG.md', '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-28\n\n- All.\n');
    writePackage('node -e 0');
    makeImage();
    git('init', '--quiet', '--initial-branch=main');
    git('config', 'user.name', 'Test');
    git('config', 'user.email', 'test@example.org');
    commit();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(file: string, text: string): void {
    writeFileSync(join(folder, file), text);
  }

  function writePackage(check: string, version = '1.2.3'): void {
    const files = ['index.js'];
    write('package.json', JSON.stringify({ name: 'a', version, files, scripts: { check } }));
  }

  function makeImage(): void {
    const buf = join(root, 'node_modules/.bin/buf');
    const args = ['build', '--exclude-source-info', '-o', 'proto/images/v1.2.3.binpb'];
    expect(spawnSync(buf, args, { cwd: folder }).status).toBe(0);
  }

  function git(...args: string[]): string {
    const run = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    return run.stdout.trim();
  }

  function commit(): void {
    git('add', '--all');
    git('commit', '--quiet', '--message', 'chore: all');
  }

  function release(...options: string[]) {
    const script = join(root, 'scripts/release.mjs');
    return spawnSync(process.execPath, [script, ...options, folder], { encoding: 'utf8' });
  }

  const packed = () => existsSync(join(folder, 'a-1.2.3.tgz'));

  test('is packed and tagged with its section of the changelog', () => {
    const { status, stdout } = release();
    expect(status).toBe(0);
    expect(stdout).toContain('packed and tagged v1.2.3');
    expect(packed()).toBe(true);
    expect(git('tag', '--list', '--format=%(contents)')).toBe('maskstream 1.2.3\n\n- All.');
    expect(git('rev-parse', 'v1.2.3^{commit}')).toBe(git('rev-parse', 'HEAD'));
  });

  test('leaves nothing behind in a dry run', () => {
    const { status, stdout } = release('--dry-run');
    expect(status).toBe(0);
    expect(stdout).toContain('v1.2.3 could be released');
    expect(packed()).toBe(false);
    expect(git('tag')).toBe('');
  });

  test('is neither packed nor tagged where a check fails', () => {
    writePackage('node -e "process.exit(3)"');
    commit();
    const { status, stderr } = release();
    expect(status).toBe(1);
    expect(stderr).toContain('npm run check: status 3');
    expect(packed()).toBe(false);
    expect(git('tag')).toBe('');
  });

  test('is neither packed nor tagged where a check changes what is committed', () => {
    writePackage(`node -e "fs.appendFileSync('index.js', '// More.')"`);
    commit();
    expect(release().stderr).toContain('npm run check left changes:\n M index.js');
    expect(packed()).toBe(false);
    expect(git('tag')).toBe('');
  });

  test('wants a clean tree, a new version and its lines in the changelog and the lock file', () => {
    writePackage('node -e 0', '1.2.4');
    git('tag', 'v1.2.4');
    const { status, stderr } = release('--dry-run');
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      'package-lock.json: expected version 1.2.4, got 1.2.3; run npm install',
      'expected a clean working tree, got',
      ' M package.json',
      'expected a new version, but the tag v1.2.4 exists',
      'CHANGELOG.md: expected a section "## [1.2.4] - YYYY-MM-DD" with text in it',
      expect.stringContaining('expected proto/images/v1.2.4.binpb; make it by npx buf build'),
      '5 reasons not to release',
    ]);
  });

  test('wants text below the heading of its section', () => {
    write('CHANGELOG.md', '## [1.2.3] - 2026-11-28\n\n## [1.2.2] - 2026-11-27\n\n- Old.\n');
    commit();
    expect(release('--dry-run').stderr).toContain('CHANGELOG.md: expected a section "## [1.2.3]');
  });

  test('has a new version where the wire has grown since the image of this one', () => {
    write('proto/a.proto', 'syntax = "proto3";\npackage a.v1;\nmessage A {\n  int32 b = 1;\n}\n');
    commit();
    const { status, stderr } = release('--dry-run');
    expect(status).toBe(1);
    expect(stderr).toContain('proto/images/v1.2.3.binpb is not the wire of proto/');
  });

  test('is not made with an option that is not known', () => {
    expect(release('--dryrun').stderr).toContain('expected [--dry-run] [ROOT], got --dryrun');
    expect(git('tag')).toBe('');
  });
});
