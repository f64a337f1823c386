import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { connect } from '../../clients/typescript/index.ts';
import { describeError } from '../../src/cli/describe-error.ts';
import { SegmentationError } from '../../src/frame/errors.ts';

/** A port at which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  server.close();
  await once(server, 'close');
  return address.port;
}

test('a server that nobody runs is said with what to look at, and without empty notes', async () => {
  const port = await closedPort();
  using client = connect(`127.0.0.1:${port}`);
  const reason: unknown = await client.listModels().catch((error: unknown) => error);
  const said = describeError(reason);
  expect(said).toContain(`connect ECONNREFUSED 127.0.0.1:${port} (is a server running there?`);
  expect(said).not.toContain('Resolution note');
});

test('what lies below an error of ours is said with it', () => {
  const cause = new Error("ENOENT: no such file or directory, open 'a.json'");
  const reason = new SegmentationError('unreadable-file', 'a.json: expected JSON', { cause });
  expect(describeError(reason)).toBe(
    "a.json: expected JSON (ENOENT: no such file or directory, open 'a.json')",
  );
});

test('a fault that nobody foresaw is called ours', () => {
  expect(describeError(new TypeError('x is not a function'))).toBe(
    'internal error: x is not a function',
  );
});
