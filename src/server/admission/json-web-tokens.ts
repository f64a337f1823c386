import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { SegmentationError } from '../../frame/errors.ts';
import type { Allowance, Identify } from './identity.ts';

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
 * `sub` is the name, and claims such as `maskstream_max_streams`, numbers from 0, say what it may take. A
 * token that expires ends no call that it has begun.
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
      return { name: payload.sub ?? '', ...allowanceOf(payload) };
    } catch {
      // Expired, for somebody else, or not signed by these keys: to the caller it is all the same.
      return null;
    }
  };
}

function allowanceOf(payload: JWTPayload): Allowance {
  const whole = (claim: string) => bound(payload[claim], Number.isSafeInteger);
  return {
    maxStreams: whole('maskstream_max_streams'),
    maxPixelsPerSecond: bound(payload['maskstream_max_pixels_per_second'], Number.isFinite),
    maxObjects: whole('maskstream_max_objects'),
    maxLoad: bound(payload['maskstream_max_load'], Number.isFinite),
  };
}

function bound(claim: unknown, isRight: (value: unknown) => boolean): number | null {
  return isRight(claim) && Number(claim) >= 0 ? Number(claim) : null;
}

function localKeys(keys: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  try {
    return createLocalJWKSet(keys);
  } catch (cause) {
    const message = 'expected a JSON Web Key Set ({"keys":[...]}), got something else';
    throw new SegmentationError('usage', message, { cause });
  }
}
