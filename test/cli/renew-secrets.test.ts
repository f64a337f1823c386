import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSecrets, type Secrets } from '../../src/cli/renew-secrets.ts';
import { readConfig } from '../../src/config.ts';
import type { Transport } from '../../src/server/index.ts';

let folder: string;
let secrets: Secrets;
const lines: string[] = [];
const note = (_: object, message: string) => void lines.push(message);
const log = { debug: note, info: note, warn: note, error: note };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-secrets-'));
  lines.length = 0;
});

afterEach(() => {
  secrets[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const pem = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

function writeTokens(name: string): string {
  const file = join(folder, 'tokens.json');
  writeFileSync(file, JSON.stringify({ tokens: [{ name, token: `the token of ${name}` }] }));
  return file;
}

test('tokens that are renewed are asked for from then on, and the old ones are nobody’s', async () => {
  const config = readConfig({ MASKSTREAM_TOKENS_FILE: writeTokens('first') }, {});
  secrets = await openSecrets(config, { log, intervalMs: 10 });
  const who = async (name: string) => await secrets.identify?.({ token: `the token of ${name}` });
  expect(await who('first')).toMatchObject({ name: 'first' });
  writeTokens('somebody else');
  process.emit('SIGHUP');
  // That file is refused: a name has no spaces.
  await expect.poll(() => lines.at(-1)).toContain('cannot be renewed: the old ones stay');
  expect(await who('first')).toMatchObject({ name: 'first' });
  writeTokens('second');
  await expect.poll(() => who('second')).toMatchObject({ name: 'second' });
  expect(await who('first')).toBeNull();
});

test('certificates are read again too, with SIGHUP', async () => {
  const tls = { MASKSTREAM_TLS_CERT: pem('certificate.pem'), MASKSTREAM_TLS_KEY: pem('key.pem') };
  secrets = await openSecrets(readConfig(tls, {}), { log, intervalMs: 60_000 });
  expect(secrets.identify).toBeNull();
  const renewed = new Promise<Transport>((resolve) => secrets.onTransport(resolve));
  process.emit('SIGHUP');
  expect(await renewed).toEqual(secrets.transport);
});
