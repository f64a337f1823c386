import { createHash, timingSafeEqual } from 'node:crypto';

/** Who calls: a name for the log, and what it may take. */
export type Principal = {
  readonly name: string;
  /** Streams and images at a time; null: what the server gives each. */
  readonly maxStreams: number | null;
};

/** What came with a call; nothing of it is logged. */
export type Credentials = {
  /** The bearer token. */
  readonly token: string | null;
};

/** Says who calls; null where the credentials are nobody's. */
export type Identify = (credentials: Credentials) => Promise<Principal | null> | Principal | null;

/** Whoever calls a server that asks for nothing. */
export const anyone: Principal = { name: 'anyone', maxStreams: null };

/** A token and whose it is. Only its digest is kept. */
export type NamedToken = Principal & { readonly sha256: Buffer };

/** As {@link NamedToken}, of a token in plain text. */
export function namedToken(
  name: string,
  token: string,
  maxStreams: number | null = null,
): NamedToken {
  return { name, maxStreams, sha256: digest(token) };
}

/** Knows a list of tokens. Every call takes as long, whichever of them it brings. */
export function identifyByTokens(tokens: readonly NamedToken[]): Identify {
  return ({ token }) => {
    if (token === null) return null;
    const given = digest(token);
    let found: Principal | null = null;
    for (const { sha256, name, maxStreams } of tokens) {
      // Digests have equal lengths, which timingSafeEqual needs.
      if (timingSafeEqual(given, sha256)) found = { name, maxStreams };
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
