import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createJsonLogger } from '../../src/cli/json-logger.ts';

function openLog(level: Parameters<typeof createJsonLogger>[0]) {
  const stream = new PassThrough();
  return { log: createJsonLogger(level, stream), text: () => String(stream.read() ?? '') };
}

test('lines below the level are left out', () => {
  const { log, text } = openLog('warn');
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({}, level);
  const levels = text()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { level: string }).level);
  expect(levels).toEqual(['warn', 'error']);
});

test('a line is one JSON object with its time, whatever is in its fields', () => {
  const { log, text } = openLog('debug');
  log.info({ peer: 'a\nb', frames: 3 }, 'stream ended');
  const lines = text().split('\n');
  expect(lines).toHaveLength(2);
  const line = JSON.parse(lines[0]!) as Record<string, unknown>;
  expect(line).toMatchObject({ level: 'info', message: 'stream ended', peer: 'a\nb', frames: 3 });
  expect(new Date(String(line['time'])).toISOString()).toBe(line['time']);
});

test('an error is written with its message, its place and all its causes', () => {
  const { log, text } = openLog('error');
  const cause = new TypeError('inner', { cause: new Error('innermost') });
  log.error({ err: new Error('outer', { cause }) }, 'failed');
  const { err } = JSON.parse(text()) as { err: Record<string, unknown> };
  expect(err).toMatchObject({
    name: 'Error',
    message: 'outer',
    stack: expect.stringContaining('json-logger.test') as string,
    cause: { name: 'TypeError', message: 'inner', cause: { message: 'innermost' } },
  });
});
