// Checks that every test file is named after the source that it tests, so that the tests of a file
// are found without a search: `test/A/B.test.ts` or `test/A/B.ASPECT.test.ts` tests `src/A/B.ts`.
// Tests of the other folders repeat their path from the root: `test/scripts/B.test.ts` tests
// `scripts/B.mjs`. `test/e2e` tests the whole and is named by what it shows; whatever else tests
// share lives in `test/fixtures`, each thing under one name.
//
//   node scripts/test-names.mjs [ROOT]

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Fewest test files of the whole project: a check that reads nothing passes everything. */
const fewestTests = 100;

/** Folders outside `src` whose tests repeat their path. */
const otherFolders = ['bench', 'clients', 'scripts', 'tools', 'examples'];

const suffix = '.test.ts';

const exportedName = /^export (?:async )?(?:function\*?|const|class|type) (\w+)/gm;

/**
 * Reads the names below `test` and returns those that no source answers to.
 *
 * @param {string} root folder of the repository
 * @param {{ fewest?: number }} [options]
 */
export function checkTestNames(root, options = {}) {
  const names = filesBelow(join(root, 'test'));
  const tests = names.filter((name) => name.endsWith(suffix));
  const problems = names.flatMap((name) => problemsOf(root, name));
  problems.push(...sharedNames(root, names));
  const fewest = options.fewest ?? fewestTests;
  if (tests.length < fewest) {
    problems.push(`expected at least ${fewest} test files, read ${tests.length}`);
  }
  return { tests: tests.length, problems };
}

function problemsOf(root, name) {
  const [folder] = name.split('/');
  const isTest = name.endsWith(suffix);
  if (folder === 'fixtures') {
    return isTest ? [`test/${name}: expected doubles and data in test/fixtures, got a test`] : [];
  }
  if (!isTest) {
    const isSettings = name === 'tsconfig.json';
    return isSettings ? [] : [`test/${name}: expected a test, or a place in test/fixtures`];
  }
  if (folder === 'e2e') return [];
  const sources = sourcesOf(name);
  if (sources.some((source) => existsSync(join(root, source)))) return [];
  return [`test/${name}: expected ${sources.join(' or ')}, got no such file`];
}

/** Names that two files of doubles export: one of them stands for something that has a double. */
function sharedNames(root, names) {
  const owners = new Map();
  const problems = [];
  for (const name of names.filter((file) => /^fixtures\/.*\.ts$/.test(file))) {
    const text = readFileSync(join(root, 'test', name), 'utf8');
    for (const [, exported] of text.matchAll(exportedName)) {
      const owner = owners.get(exported);
      if (owner === undefined) owners.set(exported, name);
      else problems.push(`test/${name}: exports ${exported}, as test/${owner} does`);
    }
  }
  return problems;
}

/** Where the source of a test may lie; an aspect between two dots does not count. */
function sourcesOf(name) {
  const parts = name.slice(0, -suffix.length).split('/');
  const [subject] = parts.pop().split('.');
  const path = [...parts, subject].join('/');
  if (!otherFolders.includes(parts[0])) return [`src/${path}.ts`];
  return parts[0] === 'scripts' ? [`${path}.mjs`] : [`${path}.ts`];
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .map((name) => name.split(sep).join('/'))
    .toSorted();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  const { tests, problems } = checkTestNames(root);
  for (const problem of problems) console.error(problem);
  console.log(`${tests} test files, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
