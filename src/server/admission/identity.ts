import { createHash, timingSafeEqual } from 'node:crypto';

/** What one name may have at a time, all of its streams together; null: what the server gives each. */
export type Allowance = {
  /** Streams and images. */
  readonly maxStreams: number | null;
  /** Pixels of all its videos in a second. */
  readonly maxPixelsPerSecond: number | null;
  /** Objects of all its videos. */
  readonly maxObjects: number | null;
  /** Predicted work in cores. */
  readonly maxLoad: number | null;
};

/** Who calls: a name for the log, and what it may take. */
export type Principal = Allowance & { readonly name: string };

/** Where nothing is said of a name in particular. */
export const usualAllowance: Allowance = {
  maxStreams: null,
  maxPixelsPerSecond: null,
  maxObjects: null,
  maxLoad: null,
};

/** What came with a call; nothing of it is logged. */
export type Credentials = {
  /** The bearer token. */
  readonly token: string | null;
};

/** Says who calls; null where the credentials are nobody's. */
export type Identify = (credentials: Credentials) => Promise<Principal | null> | Principal | null;

/** Whoever calls a server that asks for nothing. */
export const anyone: Principal = { name: 'anyone', ...usualAllowance };

/** A token and whose it is. Only its digest is kept. */
export type NamedToken = Principal & { readonly sha256: Buffer };

/** As {@link NamedToken}, of a token in plain text. */
export function namedToken(
  name: string,
  token: string,
  allowance: Partial<Allowance> = {},
): NamedToken {
  return { ...usualAllowance, ...allowance, name, sha256: digest(token) };
}

/** Knows a list of tokens. Every call takes as long, whichever of them it brings. */
export function identifyByTokens(tokens: readonly NamedToken[]): Identify {
  return ({ token }) => {
    if (token === null) return null;
    const given = digest(token);
    let found: Principal | null = null;
    for (const { sha256, ...principal } of tokens) {
      // Digests have equal lengths, which timingSafeEqual needs.
      if (timingSafeEqual(given, sha256)) found = principal;
    }
    return found;
  };
}

/** The first that knows who calls. */
export function identifyByAny(ways: readonly Identify[]): Identify {
  return async (credentials) => {
    for (const identify of ways) {
      const principal = await identify(credentials);
      if (principal !== null) return principal;
    }
    return null;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
