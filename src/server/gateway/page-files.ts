import { readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** The built page in memory, by URL path; a few small files, read and packed once. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** One file in the forms in which it is sent. */
export type PageFile = {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
};

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/**
 * The page loads nothing from elsewhere and runs nothing but its own files; styles are a file, too.
 * `blob:` are the pictures and downloads that the page makes itself.
 */
const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
} as const;

/** Reads the folder that the build wrote; null where there is none. */
export function readPage(folder: string): PageFiles | null {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return null;
  }
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const plain = readFileSync(join(folder, name));
    const file = {
      type,
      plain,
      gzip: gzipSync(plain),
      brotli: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    };
    files.set(`/${name}`, file);
    if (name === 'index.html') files.set('/', file);
  }
  return files.size === 0 ? null : files;
}

/** The path that a request names; null where its target is none, as of `GET //`. */
export function pathOf({ url = '/' }: IncomingMessage): string | null {
  const base = 'http://gateway';
  return URL.canParse(url, base) ? new URL(url, base).pathname : null;
}

/** Answers one request for a file of the page. */
export function servePage(
  page: PageFiles | null,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    sendText(response, 405, 'expected GET or HEAD');
    return;
  }
  const path = pathOf(request);
  const file = page?.get(path ?? '');
  if (file === undefined) {
    sendText(
      response,
      404,
      page === null ? 'the page was not built: npm run build' : `no ${path ?? 'such path'} here`,
    );
    return;
  }
  const [encoding, body] = encoded(file, request.headers['accept-encoding'] ?? '');
  response.writeHead(200, {
    ...securityHeaders,
    'content-type': file.type,
    'content-length': body.length,
    // The names do not change with the content.
    'cache-control': 'no-cache',
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function encoded(file: PageFile, accepted: string): [string | null, Buffer] {
  if (/\bbr\b/.test(accepted)) return ['br', file.brotli];
  return /\bgzip\b/.test(accepted) ? ['gzip', file.gzip] : [null, file.plain];
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...securityHeaders, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
