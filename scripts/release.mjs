// Makes a release of what is committed: checks that it may be one, runs every check and test, packs
// it and tags the commit. Nothing leaves this machine: pushing and publishing are left to the owner.
//
//   node scripts/release.mjs [--dry-run] [ROOT]
//
// With --dry-run everything is checked and packed for show, but no file and no tag is left behind.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buf, imageFolder } from './check-wire.mjs';

/**
 * The text of a version's section in the changelog, or null where there is none with a date.
 *
 * @param {string} changelog in the form of Keep a Changelog
 * @param {string} version without the v
 */
export function changelogSection(changelog, version) {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((section) => section.startsWith(`[${version}] - `));
  if (found === undefined || !/^\S+ - \d{4}-\d{2}-\d{2}\n/.test(found)) return null;
  return found.slice(found.indexOf('\n')).trim();
}

/** What keeps `root` from being released as it is, one line each. */
export function releaseProblems(root) {
  const version = versionOf(root);
  const problems = [];
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    problems.push(`package.json: expected a version such as 1.2.3, got ${version}`);
  }
  const locked = readJson(join(root, 'package-lock.json')).version;
  if (locked !== version) {
    problems.push(`package-lock.json: expected version ${version}, got ${locked}; run npm install`);
  }
  const changes = output(root, 'git', ['status', '--porcelain']);
  if (changes !== '') problems.push(`expected a clean working tree, got\n${changes}`);
  if (output(root, 'git', ['tag', '--list', `v${version}`]) !== '') {
    problems.push(`expected a new version, but the tag v${version} exists`);
  }
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  if (!changelogSection(changelog, version)) {
    problems.push(
      `CHANGELOG.md: expected a section "## [${version}] - YYYY-MM-DD" with text in it`,
    );
  }
  problems.push(...imageProblems(root, version));
  return problems;
}

/** The wire of a release is kept as an image, which later ones are compared with. */
function imageProblems(root, version) {
  const image = `${imageFolder}/v${version}.binpb`;
  const make = `npx buf build --exclude-source-info -o ${image}`;
  if (!existsSync(join(root, image))) return [`expected ${image}; make it by ${make}`];
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-release-'));
  try {
    const now = join(folder, 'now.binpb');
    run(root, buf, ['build', '--exclude-source-info', '-o', now]);
    if (readFileSync(now).equals(readFileSync(join(root, image)))) return [];
    return [`${image} is not the wire of proto/: the wire has changed, so the version must too`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Checks, packs and tags; throws at the first step that fails, the tag being the last. */
export function release(root, { dryRun }) {
  const version = versionOf(root);
  run(root, 'npm', ['run', 'check']);
  // Checks may write: a release is what is committed, and nothing else.
  const changes = output(root, 'git', ['status', '--porcelain']);
  if (changes !== '') throw new Error(`npm run check left changes:\n${changes}`);
  run(root, 'npm', dryRun ? ['pack', '--dry-run'] : ['pack']);
  if (dryRun) return;
  const section = changelogSection(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version);
  const message = `maskstream ${version}\n\n${section}\n`;
  run(root, 'git', ['tag', '--annotate', '--cleanup=verbatim', '-F', '-', `v${version}`], message);
}

function versionOf(root) {
  return readJson(join(root, 'package.json')).version;
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Runs a program with its output on the terminal. */
function run(cwd, program, args, input) {
  const stdio = [input === undefined ? 'ignore' : 'pipe', 'inherit', 'inherit'];
  const { status, error } = spawnSync(program, args, { cwd, stdio, input });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? `status ${status}`}`);
}

function output(cwd, program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout.trimEnd();
}

function main() {
  const args = process.argv.slice(2);
  const dryRun = args.includes('--dry-run');
  const [folder, ...rest] = args.filter((arg) => arg !== '--dry-run');
  if (rest.length > 0 || folder?.startsWith('-')) {
    throw new Error(`expected [--dry-run] [ROOT], got ${args.join(' ')}`);
  }
  const root = resolve(folder ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  const problems = releaseProblems(root);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) throw new Error(`${problems.length} reasons not to release`);
  release(root, { dryRun });
  const version = versionOf(root);
  if (dryRun) console.log(`v${version} could be released`);
  else console.log(`packed and tagged v${version}; next: git push origin v${version}, npm publish`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
