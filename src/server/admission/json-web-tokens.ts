import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { SegmentationError } from '../../frame/errors.ts';
import type { Identify } from './identity.ts';

/** What a JSON Web Token must say to be taken. */
export type JwtExpectations = {
  /** Claim `iss`. */
  readonly issuer: string;
  /** Claim `aud`: a token for another service is none for this one. */
  readonly audience: string;
};

/** Signatures with a public key; with a shared secret whoever can check could also sign. */
const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

/** Clocks differ by so many seconds. */
const clockToleranceS = 30;

/**
 * Knows JSON Web Tokens (RFC 7519) signed with one of the keys: `exp`, `iss` and `aud` are required,
 * `sub` is the name, and `maskstream_max_streams`, a whole number, what it may take. A token that
 * expires ends no call that it has begun.
 *
 * @throws SegmentationError `usage` where the keys are none
 */
export function identifyByJwt(keys: JSONWebKeySet, expected: JwtExpectations): Identify {
  const find = localKeys(keys);
  return async ({ token }) => {
    // A static token has another form; whatever else fits is verified.
    if (token === null || token.split('.').length !== 3) return null;
    try {
      const { payload } = await jwtVerify(token, find, {
        ...expected,
        algorithms,
        clockTolerance: clockToleranceS,
        requiredClaims: ['exp', 'sub'],
      });
      const most = payload['maskstream_max_streams'];
      const maxStreams = Number.isSafeInteger(most) && Number(most) >= 0 ? Number(most) : null;
      return { name: payload.sub ?? '', maxStreams };
    } catch {
      // Expired, for somebody else, or not signed by these keys: to the caller it is all the same.
      return null;
    }
  };
}

function localKeys(keys: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  try {
    return createLocalJWKSet(keys);
  } catch (cause) {
    const message = 'expected a JSON Web Key Set ({"keys":[...]}), got something else';
    throw new SegmentationError('usage', message, { cause });
  }
}
