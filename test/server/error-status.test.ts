import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { clientErrorCodes } from '../../clients/typescript/index.ts';
import { errorCodes, SegmentationError } from '../../src/frame/errors.ts';
import { statusOfError, statusOfErrorCode } from '../../src/server/error-status.ts';

const documentation = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

test('docs/errors.md lists each code once, with its status and what to do', () => {
  const rows = [...documentation.matchAll(/^\| `([a-z-]+)` \| ([A-Z_]+) \| (.+) \|$/gm)];
  expect(rows.map(([, code]) => code)).toEqual([...errorCodes]);
  for (const [, code = '', name = '', advice = ''] of rows) {
    expect([code, name]).toEqual([code, status[statusOfErrorCode[code as 'internal']]]);
    expect(advice.length).toBeGreaterThan(20);
  }
});

test('docs/errors.md lists each code of the client, and none of them is a server’s', () => {
  const rows = [...documentation.matchAll(/^\| `([a-z-]+)` \| [^|]{20,} \|$/gm)];
  expect(rows.map(([, code]) => code)).toEqual([...clientErrorCodes]);
  const servers: readonly string[] = errorCodes;
  expect(clientErrorCodes.filter((code) => servers.includes(code))).toEqual([]);
});

describe('the status of an error', () => {
  test('carries its message and its code', () => {
    const error = new SegmentationError('chunk-too-large', 'at most 1 byte, got 2');
    const { code, details, metadata } = statusOfError(error);
    expect([code, details]).toEqual([status.RESOURCE_EXHAUSTED, 'at most 1 byte, got 2']);
    expect(metadata.get('maskstream-error-code')).toEqual(['chunk-too-large']);
  });

  test.each([
    new TypeError('secret'),
    'secret',
    undefined,
    new SegmentationError('internal', 'secret'),
  ])('says "internal error" and no more of %s', (reason) => {
    const { code, details } = statusOfError(reason);
    expect([code, details]).toEqual([status.INTERNAL, 'internal error']);
  });
});
