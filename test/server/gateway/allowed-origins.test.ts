import { describe, expect, test } from 'vitest';
import { addressProblem, loopbackHosts } from '../../../src/server/gateway/allowed-origins.ts';

const allowed = { hosts: [...loopbackHosts], origins: ['https://lab.example'] };
const problemOf = (host: string | undefined, origin?: string) =>
  addressProblem(
    { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) },
    allowed,
  );

describe('a request to the gateway', () => {
  test.each(['127.0.0.1:50080', 'localhost:50080', 'LOCALHOST', '[::1]:50080'])(
    'to %s is one to this machine',
    (host) => expect(problemOf(host)).toBeNull(),
  );

  test.each(['evil.example:50080', '127.0.0.1.evil.example', '[::2]:50080', '', undefined])(
    'to %j is refused: the name may have been made to lead here',
    (host) =>
      expect(problemOf(host)).toMatch(/^Host must be one of 127\.0\.0\.1, localhost, ::1, got /),
  );

  test('from its own page passes, over TLS too', () => {
    expect(problemOf('localhost:50080', 'http://localhost:50080')).toBeNull();
    expect(problemOf('localhost:50080', 'https://localhost:50080')).toBeNull();
  });

  test('from a listed origin passes', () => {
    expect(problemOf('localhost:50080', 'https://lab.example')).toBeNull();
  });

  test.each(['https://evil.example', 'http://localhost:8080', 'null', 'http://lab.example'])(
    'from a page of %s is refused',
    (origin) =>
      expect(problemOf('localhost:50080', origin)).toBe(
        `Origin must be this server's own page, got ${origin}`,
      ),
  );
});
