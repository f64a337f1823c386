import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { downloadFile, hashOf, listHubFiles, type Hub } from '../../src/models/hub.ts';
import { type HubServerOptions, startHubServer } from '../fixtures/hub-server.ts';

const weights = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) & 255));
const sha256 = createHash('sha256').update(weights).digest('hex');
const file = { path: 'onnx/model.onnx', bytes: weights.byteLength, sha256 };
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskstream-hub-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

const hubAt = (base: string, more: Partial<Hub> = {}): Hub => ({
  base,
  token: null,
  retryDelaysMs: [0, 0],
  signal: new AbortController().signal,
  ...more,
});

/** Tells when a download has so many more bytes on disk. */
class Arrivals {
  #bytes = 0;
  #waiting: { readonly bytes: number; readonly resolve: () => void } | null = null;

  readonly onProgress = (bytes: number): void => {
    this.#bytes = bytes;
    if (this.#waiting !== null && bytes >= this.#waiting.bytes) this.#waiting.resolve();
  };

  async more(bytes: number): Promise<void> {
    const wanted = this.#bytes + bytes;
    await new Promise<void>((resolve) => (this.#waiting = { bytes: wanted, resolve }));
  }
}

/** Cuts after so many bytes that are on disk. */
function cutting(after: number, times: number, arrivals: Arrivals): NonNullable<HubServerOptions['cut']> {
  return { after, times, arrived: async () => await arrivals.more(after) };
}

async function fetchWith(
  options: HubServerOptions,
  more: Partial<Hub> = {},
  arrivals = new Arrivals(),
): Promise<{ readonly hash: string; readonly requests: readonly string[] }> {
  await using server = await startHubServer({ 'onnx/model.onnx': weights }, options);
  const hub = hubAt(server.base, more);
  const target = join(folder, 'model.onnx');
  const { onProgress } = arrivals;
  const download = { repository: 'owner/name', revision: 'main', file, target, onProgress };
  return { hash: await downloadFile(hub, download), requests: server.requests };
}

async function refusalOf(
  options: HubServerOptions,
  more: Partial<Hub> = {},
  arrivals = new Arrivals(),
): Promise<Error> {
  try {
    await fetchWith(options, more, arrivals);
  } catch (reason) {
    return reason as Error;
  }
  throw new Error('expected a refusal');
}

test('files of a repository come with sizes, and hashes where the hub has them', async () => {
  const card = Buffer.from('a card');
  await using server = await startHubServer({ 'README.md': card, 'onnx/model.onnx': weights });
  const files = await listHubFiles(hubAt(server.base), 'owner/name', 'main');
  expect(files).toEqual([{ path: 'README.md', bytes: 6, sha256: null }, file]);
});

test('a file comes whole, under its name only then', async () => {
  const { hash, requests } = await fetchWith({});
  expect(hash).toBe(sha256);
  expect(requests).toEqual(['/owner/name/resolve/main/onnx/model.onnx']);
  expect(await readdir(folder)).toEqual(['model.onnx']);
  expect((await readFile(join(folder, 'model.onnx'))).equals(weights)).toBe(true);
});

test('a cut connection goes on where it was cut', async () => {
  const arrivals = new Arrivals();
  const options = { cut: cutting(70_000, 2, arrivals) };
  const { hash, requests } = await fetchWith(options, {}, arrivals);
  expect(hash).toBe(sha256);
  expect(requests.map((line) => line.split(' ')[1])).toEqual([
    undefined,
    'bytes=70000-',
    'bytes=140000-',
  ]);
});

test('a connection that is cut for ever is an error that keeps what came, for the next call', async () => {
  const arrivals = new Arrivals();
  const options = { cut: cutting(50_000, 99, arrivals) };
  const error = await refusalOf(options, {}, arrivals);
  expect(error).toMatchObject({ code: 'download-failed' });
  expect(error.message).toContain('expected 200000 bytes, got 150000 before the connection broke');
  expect(await readdir(folder)).toEqual(['model.onnx.part']);
  const { requests } = await fetchWith({});
  expect(requests).toEqual(['/owner/name/resolve/main/onnx/model.onnx bytes=150000-']);
  expect(await hashOf(join(folder, 'model.onnx'))).toBe(sha256);
});

test('a server without ranges sends everything again', async () => {
  const arrivals = new Arrivals();
  const options = { cut: cutting(50_000, 1, arrivals), ignoresRanges: true };
  const { hash } = await fetchWith(options, {}, arrivals);
  expect(hash).toBe(sha256);
});

test('another size than the list said is an error before anything is written', async () => {
  const error = await refusalOf({ extraBytes: 5 });
  expect(error.message).toContain('expected 200000 bytes, the server offers 200005');
});

test('other bytes than the hash said are thrown away', async () => {
  await writeFile(join(folder, 'model.onnx.part'), 'not the beginning of the weights');
  const error = await refusalOf({});
  expect(error.message).toContain(`expected SHA-256 ${sha256}, got`);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  [401, null, /gated \(401\).*HF_TOKEN/s],
  [401, 'secret', /does not know the token in HF_TOKEN/],
  [403, 'secret', /may not read it \(403\): accept the terms/],
  [404, null, /404: the repository, its revision or the file is not there/],
  [500, null, /expected the file, got 500/],
])('status %i with token %s is explained', async (status, token, message) => {
  const error = await refusalOf({ status }, { token });
  expect(error).toMatchObject({ code: 'download-failed' });
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain('secret');
});

test('the token goes along as a bearer token', async () => {
  await using server = await startHubServer({});
  await listHubFiles(hubAt(server.base, { token: 'secret' }), 'owner/name', 'main');
  expect(server.tokens).toEqual(['Bearer secret']);
});

test('without a network the way out is named', async () => {
  const server = await startHubServer({});
  await server[Symbol.asyncDispose]();
  const error = await listHubFiles(hubAt(server.base), 'owner/name', 'main').catch(
    (reason: unknown) => reason as Error,
  );
  expect(error).toMatchObject({ code: 'download-failed' });
  expect((error as Error).message).toMatch(/cannot reach http.*expected a network, or --from/);
});
