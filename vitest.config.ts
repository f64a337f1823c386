import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native sessions and ffmpeg children share two cores: more forks only slow each other down.
    pool: 'forks',
    // As every entry of the program does, before anything loads the model runtime.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
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
