import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UnaryAttempts } from '../../../../clients/core/resume/unary-attempts.ts';

type Case = {
  readonly name: string;
  readonly servers: number;
  readonly ends: readonly {
    readonly code: number;
    readonly error_code: string | null;
    readonly retry_after_ms: number | null;
  }[];
  readonly asked: readonly number[];
  readonly pauses_ms: readonly (number | null)[];
};

// Those of the Python client too.
const file = new URL('../../../fixtures/unary-attempts.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

test.each(cases)('$name', ({ servers, ends, asked, pauses_ms: pauses }) => {
  const attempts = new UnaryAttempts(servers, () => 1);
  ends.forEach(({ code, error_code: errorCode, retry_after_ms: retryAfterMs }, at) => {
    expect(attempts.server).toBe(asked[at]);
    const end = { code, message: '', errorCode, retryAfterMs };
    expect(attempts.pauseAfter(end)).toBe(pauses[at]);
  });
});
