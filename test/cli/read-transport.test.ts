import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { readTransport } from '../../src/cli/read-transport.ts';

const folder = mkdtempSync(join(tmpdir(), 'maskstream-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const certificate = fixture('certificate.pem');
const key = fixture('key.pem');

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('a certificate, its key and authorities are read', async () => {
  expect(await readTransport(null)).toEqual({ kind: 'insecure' });
  const tls = { certificate, key, clientAuthorities: certificate };
  expect(await readTransport(tls)).toMatchObject({ kind: 'tls' });
});

test.each([
  ['', 'got none'],
  ['# no authorities yet\n', 'got none'],
  [
    '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n',
    'got one that does not parse',
  ],
])('client authorities that name nobody are refused: %j', async (text, problem) => {
  const clientAuthorities = file('authorities.pem', text);
  await expect(readTransport({ certificate, key, clientAuthorities })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(
      new RegExp(`MASKSTREAM_TLS_CLIENT_CA: expected PEM certificates in .*, ${problem}`),
    ) as string,
  });
});

test('a key that is none, and a file that is not there, are named', async () => {
  const clientAuthorities = null;
  const other = file('key.pem', 'secret');
  await expect(readTransport({ certificate, key: other, clientAuthorities })).rejects.toMatchObject(
    {
      code: 'usage',
      message: expect.stringContaining('MASKSTREAM_TLS_CERT and MASKSTREAM_TLS_KEY') as string,
    },
  );
  await expect(
    readTransport({ certificate: join(folder, 'nothing.pem'), key, clientAuthorities }),
  ).rejects.toMatchObject({ code: 'unreadable-file' });
});
