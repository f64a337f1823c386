import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readIdentity } from '../../src/cli/read-identity.ts';
import { usualAllowance } from '../../src/server/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'maskstream-identity-'));
afterAll(() => rmSync(folder, { recursive: true }));

const none = { token: null, tokensFile: null, jwt: null };

function file(content: unknown): string {
  const path = join(folder, 'tokens.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

test('a file of tokens, plain or as digests, and the one token of the environment', async () => {
  const sha256 = createHash('sha256').update('the token of the lab').digest('hex');
  const tokensFile = file({
    tokens: [
      { name: 'gate-3', token: 'the token of gate 3', maxStreams: 2, maxPixelsPerSecond: 3e7 },
      { name: 'lab', sha256 },
    ],
  });
  const identify = await readIdentity({ ...none, token: 'short', tokensFile });
  const name = async (token: string) => await identify?.({ token });
  expect(await name('the token of gate 3')).toEqual({
    ...usualAllowance,
    name: 'gate-3',
    maxStreams: 2,
    maxPixelsPerSecond: 3e7,
  });
  expect(await name('the token of the lab')).toEqual({ name: 'lab', ...usualAllowance });
  expect(await name('short')).toEqual({ name: 'token', ...usualAllowance });
  expect(await name('another')).toBeNull();
  expect(await name(sha256)).toBeNull();
});

test('without any of them nobody is asked', async () => {
  expect(await readIdentity(none)).toBeNull();
});

const long = 'a token that is long enough';

test.each<[string, unknown, RegExp]>([
  ['no JSON', `{"tokens": [{"token": "${long}"`, /expected JSON, got something else/],
  ['no list', { users: [] }, /tokens: /],
  ['nobody', { tokens: [] }, /tokens: /],
  [
    'a short token',
    { tokens: [{ name: 'a', token: 'short' }] },
    /tokens\.0\.token: expected .* 16/,
  ],
  ['neither token nor digest', { tokens: [{ name: 'a' }] }, /tokens\.0: expected either/],
  ['a digest that is none', { tokens: [{ name: 'a', sha256: 'xyz' }] }, /tokens\.0\.sha256: /],
  ['a name of many lines', { tokens: [{ name: 'a\nb', token: long }] }, /tokens\.0\.name: /],
  ['a misspelt limit', { tokens: [{ name: 'a', token: long, max: 1 }] }, /tokens\.0: /],
  [
    'a name twice',
    {
      tokens: [
        { name: 'a', token: `${long} 1` },
        { name: 'a', token: `${long} 2` },
      ],
    },
    /expected each name once, got a twice/,
  ],
])('a file with %s is refused, and never quoted', async (_, content, message) => {
  const tokensFile = file(content);
  const refused = await readIdentity({ ...none, tokensFile }).catch((reason: unknown) => reason);
  expect(refused).toMatchObject({ code: 'usage' });
  expect(String(refused)).toMatch(message);
  expect(String(refused)).not.toContain(long);
});

test('a file that is not there is said to be', async () => {
  const tokensFile = join(folder, 'nothing.json');
  await expect(readIdentity({ ...none, tokensFile })).rejects.toMatchObject({
    code: 'unreadable-file',
  });
});
