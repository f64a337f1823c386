import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = new URL('../../scripts/count-tests.mjs', import.meta.url);

type Run = { status: number; vitest: readonly string[]; pytest: readonly string[] };
type Counts = { passed: number; failed: number; skipped: number };
const { countTests, skippedTests } = (await import(script.href)) as {
  countTests: (run: Run) => Counts;
  skippedTests: (reports: Pick<Run, 'vitest' | 'pytest'>) => readonly string[];
};

/** A report of vitest with one file for each status. */
function vitest(
  counts: { passed?: number; failed?: number; pending?: number },
  files: object[] = [],
) {
  const { passed = 0, failed = 0, pending = 0 } = counts;
  return JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: 0,
    testResults: files,
  });
}

const pytest = (attributes: string) =>
  `<?xml version="1.0"?><testsuites><testsuite name="pytest" ${attributes} time="1.2"></testsuite></testsuites>`;

test('reports of both kinds are added up', () => {
  expect(
    countTests({
      status: 1,
      vitest: [vitest({ passed: 7, failed: 1, pending: 2 }), vitest({ passed: 1 })],
      pytest: [pytest('errors="1" failures="2" skipped="3" tests="10"')],
    }),
  ).toEqual({ passed: 12, failed: 4, skipped: 5 });
});

test('a file that cannot be loaded is a failure, a file whose test failed is none beside it', () => {
  const broken = { status: 'failed', assertionResults: [] };
  const failing = { status: 'failed', assertionResults: [{ status: 'failed' }] };
  const report = vitest({ passed: 3, failed: 1 }, [broken, failing]);
  expect(countTests({ status: 1, vitest: [report], pytest: [] })).toMatchObject({ failed: 2 });
});

test.each([
  ['a step without tests that failed', { status: 2, vitest: [vitest({ passed: 3 })] }],
  ['no test at all', { status: 0, vitest: [vitest({})] }],
  ['no report at all', { status: 1, vitest: [] }],
  ['a report that breaks off', { status: 1, vitest: ['{"numPassed'] }],
])('%s is one failure', (_, run) => {
  expect(countTests({ ...run, pytest: [] })).toMatchObject({ failed: 1 });
});

test('tests that were skipped are named', () => {
  const tests = ['passed', 'skipped', 'failed', 'todo'].map((status) => ({
    status,
    fullName: `one that is ${status}`,
  }));
  const suite = `<testsuite name="pytest"><testcase classname="tests.a" name="ran" time="1" />
    <testcase classname="tests.b" name="test_cpp" time="0"><skipped type="pytest.skip" /></testcase>
    <testcase classname="tests.c" name="broke" time="0"><failure /></testcase></testsuite>`;
  expect(
    skippedTests({
      vitest: [vitest({}, [{ assertionResults: tests }]), '{"numPassed'],
      pytest: [suite],
    }),
  ).toEqual(['one that is skipped', 'one that is todo', 'test_cpp']);
});

test('the last line is the count, and the exit status the verdict', () => {
  const folder = mkdtempSync(join(tmpdir(), 'count-tests-'));
  try {
    const folders = ['vitest', 'pytest'].map((name) => join(folder, name));
    for (const one of folders) mkdirSync(one);
    writeFileSync(join(folder, 'vitest/all.json'), vitest({ passed: 2 }));
    writeFileSync(join(folder, 'pytest/3.13.xml'), pytest('errors="0" failures="0" tests="4"'));
    const run = (status: string) =>
      spawnSync(process.execPath, [fileURLToPath(script), status, ...folders], {
        encoding: 'utf8',
      });
    expect(run('0')).toMatchObject({ status: 0, stdout: '6 passed, 0 failed, 0 skipped\n' });
    expect(run('9')).toMatchObject({ status: 1, stdout: '6 passed, 1 failed, 0 skipped\n' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
