import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SegmentationError } from '../frame/errors.ts';

/** A hub of models, or a mirror that answers like one. */
export type Hub = {
  /** Such as `https://huggingface.co`. */
  readonly base: string;
  /** For gated weights; null asks without one. */
  readonly token: string | null;
  /** Waits before the second and later tries of a file. Default: a second, then longer. */
  readonly retryDelaysMs?: readonly number[];
  readonly signal: AbortSignal;
};

/** A file of a repository. */
export type HubFile = {
  readonly path: string;
  readonly bytes: number;
  /** As the hub states it; null for small files that it keeps without one. */
  readonly sha256: string | null;
};

/** The model hub that presets name. */
export const defaultHub = 'https://huggingface.co';

const defaultRetryDelaysMs = [1000, 3000, 10_000, 30_000];

type TreeEntry = {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly lfs?: { readonly oid: string; readonly size: number };
};

/** The files of a repository at a revision. Throws `download-failed`. */
export async function listHubFiles(
  hub: Hub,
  repository: string,
  revision: string,
): Promise<HubFile[]> {
  const url = `${hub.base}/api/models/${repository}/tree/${revision}?recursive=true`;
  const response = await request(hub, url, {});
  await refuse(hub, response, repository);
  let entries: unknown;
  try {
    entries = await response.json();
  } catch (cause) {
    throw failed(`${url}: expected a list of files in JSON, got something else`, cause);
  }
  if (!Array.isArray(entries)) throw failed(`${url}: expected a list of files`);
  return (entries as TreeEntry[])
    .filter(({ type }) => type === 'file')
    .map(({ path, size, lfs }) => ({
      path,
      bytes: lfs?.size ?? size,
      sha256: lfs?.oid.replace(/^sha256:/, '') ?? null,
    }));
}

/** Where one file comes from and goes to. */
export type Download = {
  readonly repository: string;
  readonly revision: string;
  readonly file: HubFile;
  readonly target: string;
  /** Called with the bytes that are there so far. */
  readonly onProgress?: (bytes: number) => void;
};

/**
 * Fetches a file to `target`: into `target.part` first, which a later call goes on with. A cut
 * connection is tried again where it was cut; size and hash are checked before the file gets its name.
 *
 * Throws `download-failed`, `cancelled`.
 *
 * @returns its SHA-256 in hexadecimal
 */
export async function downloadFile(hub: Hub, download: Download): Promise<string> {
  const { file, target, repository } = download;
  const part = `${target}.part`;
  await mkdir(dirname(target), { recursive: true });
  const delays = [...(hub.retryDelaysMs ?? defaultRetryDelaysMs)];
  for (;;) {
    const before = await sizeOf(part);
    if (before > file.bytes) await rm(part);
    if (before > 0 && before === file.bytes) break;
    const problem = await fetchRest(hub, download, part);
    if (problem === null) break;
    hub.signal.throwIfAborted();
    const got = await sizeOf(part);
    const delay = delays.shift();
    if (delay === undefined) {
      throw failed(
        `${repository}/${file.path}: expected ${file.bytes} bytes, got ${got} before the connection broke (${problem}); the same command goes on from there`,
      );
    }
    await pause(delay, hub.signal);
  }
  const sha256 = await hashOf(part);
  if (file.sha256 !== null && sha256 !== file.sha256) {
    await rm(part);
    throw failed(
      `${repository}/${file.path}: expected SHA-256 ${file.sha256}, got ${sha256}; what came was thrown away`,
    );
  }
  await rename(part, target);
  return sha256;
}

/** SHA-256 of a file in hexadecimal, read in parts. */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

/** Null when the file is whole; else why it is not, worth another try. */
async function fetchRest(hub: Hub, download: Download, part: string): Promise<string | null> {
  const { repository, revision, file, onProgress } = download;
  const have = await sizeOf(part);
  const url = `${hub.base}/${repository}/resolve/${revision}/${file.path}`;
  const response = await request(hub, url, have === 0 ? {} : { Range: `bytes=${have}-` });
  await refuse(hub, response, repository);
  // A server without ranges sends everything again.
  const continues = response.status === 206;
  const offered = lengthOf(response, continues ? have : 0);
  if (offered !== null && offered !== file.bytes) {
    throw failed(
      `${repository}/${file.path}: expected ${file.bytes} bytes, the server offers ${offered}`,
    );
  }
  if (response.body === null) return 'an empty answer';
  let bytes = continues ? have : 0;
  const out = await open(part, continues ? 'a' : 'w');
  try {
    for await (const piece of response.body) {
      await out.writeFile(piece as Uint8Array);
      bytes += (piece as Uint8Array).byteLength;
      onProgress?.(bytes);
    }
  } catch (reason) {
    if (hub.signal.aborted) throw new SegmentationError('cancelled', 'stopped', { cause: reason });
    return describe(reason);
  } finally {
    await out.close();
  }
  return bytes === file.bytes ? null : `${bytes} bytes came`;
}

/** The whole file's length as the answer states it; null where it does not. */
function lengthOf(response: Response, from: number): number | null {
  const range = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  if (range !== null) return Number(range[1]);
  const length = response.headers.get('content-length');
  return length === null ? null : from + Number(length);
}

async function request(
  hub: Hub,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const authorization = hub.token === null ? {} : { Authorization: `Bearer ${hub.token}` };
  try {
    return await fetch(url, { headers: { ...headers, ...authorization }, signal: hub.signal });
  } catch (cause) {
    if (hub.signal.aborted) throw new SegmentationError('cancelled', 'stopped', { cause });
    throw failed(
      `cannot reach ${new URL(url).origin} (${describe(cause)}): expected a network, or --from with ` +
        `the URL of a mirror or a folder that has the files`,
      cause,
    );
  }
}

/** Says what a refusal means to somebody who wants weights. */
async function refuse(hub: Hub, response: Response, repository: string): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  const page = `${hub.base}/${repository}`;
  switch (response.status) {
    case 401:
      throw failed(
        hub.token === null
          ? `${repository}: the weights are gated (401): accept their terms at ${page}, make a token there and set HF_TOKEN`
          : `${repository}: the hub does not know the token in HF_TOKEN (401): expected a valid one for ${page}`,
      );
    case 403:
      throw failed(
        `${repository}: the token's owner may not read it (403): accept the terms at ${page} and wait until they are granted; a fine-grained token needs read access to gated repositories`,
      );
    case 404:
      throw failed(
        `${response.url}: expected a file, got 404: the repository, its revision or the file is not there`,
      );
    default:
      throw failed(`${response.url}: expected the file, got ${response.status}`);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(new SegmentationError('cancelled', 'stopped', { cause: signal.reason }));
      },
      { once: true },
    );
  });
}

/** `fetch` hides the reason in the cause. */
function describe(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  return reason.cause instanceof Error && reason.cause.message !== ''
    ? reason.cause.message
    : reason.message;
}

function failed(message: string, cause?: unknown): SegmentationError {
  return new SegmentationError('download-failed', message, { cause });
}
