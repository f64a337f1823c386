import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const all = ['test/**/*.test.ts'];

/**
 * Folders of tests that neither change their process nor leave anything in it: they share one, which
 * saves them half of their time. Fixtures that clean up behind a file (encoded-clips) are for the others.
 */
const sharing = [
  'bench/support/capacity',
  'bench/support/flow',
  'bench/support/simulated-server',
  'calls',
  'cli/config-file',
  'cli/labels',
  'cli/output',
  'clients/core',
  'clients/publisher/rtp',
  'clients/typescript',
  'clients/web',
  'evaluation',
  'formats',
  'frame',
  'inference/layouts',
  'inference/text',
  'pipeline',
  'server/admission',
  'server/metrics',
  'server/requests',
  'tracking',
].map((folder) => `test/${folder}/**/*.test.ts`);

/** It takes as long as it is told to, and in CI it runs beside what waits for the network. */
const fuzz = 'test/e2e/fuzz.test.ts';

/** What takes longest, in this order, before all else of test/e2e; the size of a file says little of it. */
const longest = ['page-files', 'fuzz', 'doc-commands', 'telemetry', 'proxies', 'resume-elsewhere'];

function rank({ moduleId }: TestSpecification): number {
  const [, name] = /\/test\/e2e\/(.*)\.test\.ts$/.exec(moduleId) ?? [];
  if (name === undefined) return longest.length + 1;
  return longest.includes(name) ? longest.indexOf(name) : longest.length;
}

/** Begins with what takes longest, so that nothing long is left for one worker in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of this class, not of an array
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // Native sessions and ffmpeg children share two cores: more forks only slow each other down.
    pool: 'forks',
    // As every entry of the program does, before anything loads the model runtime.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    maxWorkers: 2,
    maxConcurrency: 2,
    // Where these pass something hangs; a slow machine only takes its time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: all, exclude: [...sharing, fuzz] } },
      { extends: true, test: { name: 'together', include: sharing, isolate: false } },
      { extends: true, test: { name: 'fuzz', include: [fuzz] } },
    ],
    coverage: {
      // What runs from dist, in worker threads and child processes, is not seen: the figures are
      // lower bounds, lowest for workers and commands.
      provider: 'v8',
      include: ['src/**/*.ts', 'clients/typescript/**/*.ts'],
      exclude: ['src/gen/**'],
      reporter: ['text', 'html', 'lcovonly'],
    },
  },
});
