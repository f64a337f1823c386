import { createHash, randomBytes } from 'node:crypto';

/** Name and password of a camera. */
export type Login = { readonly user: string; readonly password: string };

/** Answers a `WWW-Authenticate` challenge (RFC 7616 and 7617); null where it is of another kind. */
export function authorize(
  challenges: readonly string[],
  login: Login,
  request: { readonly method: string; readonly uri: string },
): string | null {
  const digest = challenges.map(readChallenge).find((one) => one !== null && one.hash !== null);
  if (digest?.hash) return answerDigest({ ...digest, hash: digest.hash }, login, request);
  if (!challenges.some((challenge) => /^basic\b/i.test(challenge))) return null;
  return `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
}

type Challenge = {
  readonly fields: ReadonlyMap<string, string>;
  /** Null: one that is not known here. */
  readonly hash: 'md5' | 'sha256' | null;
};

function readChallenge(text: string): Challenge | null {
  if (!/^digest\b/i.test(text)) return null;
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)) {
    fields.set(name.toLowerCase(), quoted ?? plain ?? '');
  }
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const hash = algorithm === 'MD5' ? 'md5' : algorithm === 'SHA-256' ? 'sha256' : null;
  return { fields, hash };
}

function answerDigest(
  { fields, hash }: { fields: ReadonlyMap<string, string>; hash: 'md5' | 'sha256' },
  { user, password }: Login,
  { method, uri }: { method: string; uri: string },
): string {
  const digest = (text: string) => createHash(hash).update(text).digest('hex');
  const [realm = '', nonce = ''] = [fields.get('realm'), fields.get('nonce')];
  const secret = digest(`${user}:${realm}:${password}`);
  const asked = digest(`${method}:${uri}`);
  const answer = [`username="${user}"`, `realm="${realm}"`, `nonce="${nonce}"`, `uri="${uri}"`];
  for (const name of ['algorithm', 'opaque']) {
    const value = fields.get(name);
    if (value !== undefined)
      answer.push(name === 'opaque' ? `opaque="${value}"` : `${name}=${value}`);
  }
  // Every request has a nonce of its own, so that the count of its uses is always one.
  const wantsQop = (fields.get('qop') ?? '').split(',').some((kind) => kind.trim() === 'auth');
  if (!wantsQop)
    return `Digest ${[...answer, `response="${digest(`${secret}:${nonce}:${asked}`)}"`].join(', ')}`;
  const own = randomBytes(8).toString('hex');
  const response = digest(`${secret}:${nonce}:00000001:${own}:auth:${asked}`);
  answer.push('qop=auth', 'nc=00000001', `cnonce="${own}"`, `response="${response}"`);
  return `Digest ${answer.join(', ')}`;
}
