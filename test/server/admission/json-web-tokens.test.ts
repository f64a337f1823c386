import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import { usualAllowance } from '../../../src/server/admission/identity.ts';
import { identifyByJwt } from '../../../src/server/admission/json-web-tokens.ts';

const expected = { issuer: 'https://login.example', audience: 'maskstream' };

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let keys: Keys;
let published: JSONWebKeySet;

beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  const jwk = await exportJWK(keys.publicKey);
  published = { keys: [{ ...jwk, kid: 'k1', alg: 'ES256', use: 'sig' }] };
});

type Claims = Record<string, unknown>;

/** A token that is fine but for what is changed. */
function sign(changes: Claims = {}, key: Keys['privateKey'] = keys.privateKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const { issuer: iss, audience: aud } = expected;
  const claims: Claims = { iss, aud, sub: 'gate-3', iat: now, exp: now + 600, ...changes };
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(key);
}

test('a token signed by one of the keys gives its subject, and what it may take', async () => {
  const identify = identifyByJwt(published, expected);
  expect(await identify({ token: await sign() })).toEqual({ name: 'gate-3', ...usualAllowance });
  const bounds = {
    maskstream_max_streams: 3,
    maskstream_max_pixels_per_second: 1e8,
    maskstream_max_objects: 4,
    maskstream_max_load: 0.5,
  };
  expect(await identify({ token: await sign(bounds) })).toEqual({
    name: 'gate-3',
    maxStreams: 3,
    maxPixelsPerSecond: 1e8,
    maxObjects: 4,
    maxLoad: 0.5,
  });
});

test.each([-1, 1.5, '3', null])('a bound of %j is none', async (bound) => {
  const identify = identifyByJwt(published, expected);
  const token = await sign({ maskstream_max_streams: bound, maskstream_max_objects: bound });
  expect(await identify({ token })).toEqual({ name: 'gate-3', ...usualAllowance });
});

const hourAgo = Math.floor(Date.now() / 1000) - 3600;

test.each<[string, Claims]>([
  ['has expired', { exp: hourAgo }],
  ['never expires', { exp: undefined }],
  ['is not valid yet', { nbf: hourAgo + 7200 }],
  ['is for another service', { aud: 'another' }],
  ['comes from somebody else', { iss: 'https://evil.example' }],
  ['names nobody', { sub: undefined }],
])('one that %s is nobody’s', async (_, changes) => {
  const identify = identifyByJwt(published, expected);
  expect(await identify({ token: await sign(changes) })).toBeNull();
});

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('one that others signed, that nobody signed, or that is none is nobody’s', async () => {
  const identify = identifyByJwt(published, expected);
  const others = await generateKeyPair('ES256');
  const good = await sign();
  const unsigned = `${encode({ alg: 'none' })}.${good.split('.')[1]}.`;
  // Signed with the public key as if it were a shared secret.
  const secret = Buffer.from(JSON.stringify(published.keys[0]));
  const confused = await new SignJWT({ sub: 'x' })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .setIssuer(expected.issuer)
    .setAudience(expected.audience)
    .setExpirationTime('10m')
    .sign(secret);
  const bad = [await sign({}, others.privateKey), unsigned, confused, 'a.b.c', 'secret', null];
  for (const token of bad) expect(await identify({ token })).toBeNull();
});

test('keys that are none are refused at the start', () => {
  expect(() => identifyByJwt({} as JSONWebKeySet, expected)).toThrow(
    expect.objectContaining({ code: 'usage' }),
  );
});
