// Counts the tests of a run of .ci/run, from what vitest and pytest wrote; the exit status is the verdict.
//
//   node scripts/count-tests.mjs STATUS VITEST PYTEST
//
// STATUS is that of all steps together; VITEST a folder of vitest's JSON, PYTEST one of JUnit files.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Adds up reports. A step without tests that failed (install, build, types, lint) counts as one failure
 * where no test did, and so does a run without any test.
 *
 * @param {{ status: number, vitest: string[], pytest: string[] }} run status of the steps; texts of reports
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests({ status, vitest, pytest }) {
  const counts = [...vitest.map(countOfVitest), ...pytest.map(countOfPytest)];
  const sum = (name) => counts.reduce((total, count) => total + count[name], 0);
  const all = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  const isWhole = status === 0 && all.passed > 0;
  return all.failed > 0 || isWhole ? all : { ...all, failed: 1 };
}

function countOfVitest(text) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    // It was stopped while it wrote.
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that cannot even be loaded has no tests to fail.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * Names of the tests that did not run, so that a machine that lacks something shows what.
 *
 * @param {{ vitest: string[], pytest: string[] }} reports
 * @returns {string[]}
 */
export function skippedTests({ vitest, pytest }) {
  return [...vitest.flatMap(skippedByVitest), ...pytest.flatMap(skippedByPytest)];
}

function skippedByVitest(text) {
  try {
    return JSON.parse(text)
      .testResults.flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => fullName);
  } catch {
    return [];
  }
}

function skippedByPytest(text) {
  const cases = text.matchAll(/<testcase (?<attributes>[^>]*[^/])>\s*<skipped/g);
  return [...cases].map(
    ({ groups }) => / name="([^"]*)"/.exec(` ${groups.attributes}`)?.[1] ?? '?',
  );
}

/** One suite a file, with its counts as attributes. */
function countOfPytest(text) {
  const [suite] = /<testsuite .*?>/.exec(text) ?? [''];
  const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  const skipped = count('skipped');
  return { passed: count('tests') - failed - skipped, failed, skipped };
}

function readAll(folder) {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [status, vitest, pytest] = process.argv.slice(2);
  const reports = { vitest: readAll(vitest), pytest: readAll(pytest) };
  const { passed, failed, skipped } = countTests({ status: Number(status), ...reports });
  for (const name of skippedTests(reports)) console.log(`skipped: ${name}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0) process.exitCode = 1;
}
