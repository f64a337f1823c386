import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { SegmentationError, usageError } from '../frame/errors.ts';
import {
  type Allowance,
  type Identify,
  identifyByAny,
  identifyByJwt,
  identifyByTokens,
  namedToken,
  type NamedToken,
  usualAllowance,
} from '../server/index.ts';

const name = z.string().regex(/^[\w.@:/-]{1,128}$/, {
  error: 'expected a name of letters, digits and . @ : / - _',
});

const entry = z
  .strictObject({
    name,
    /** Plain, or … */
    token: z.string().min(16, { error: 'expected a token of 16 characters or more' }).optional(),
    /** … its SHA-256 in hexadecimal, so that whoever reads the file has no token. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, { error: 'expected 64 hexadecimal digits' })
      .optional(),
    maxStreams: z.int().min(0).optional(),
    maxPixelsPerSecond: z.number().min(0).optional(),
    maxObjects: z.int().min(0).optional(),
    /** In cores. */
    maxLoad: z.number().min(0).optional(),
  })
  .refine(({ token, sha256 }) => (token === undefined) !== (sha256 === undefined), {
    error: 'expected either token or sha256',
  });

const tokensFile = z.strictObject({ tokens: z.array(entry).min(1) });

/** The name in the log of whoever brings MASKSTREAM_TOKEN. */
const ownerOfTheToken = 'token';

/** Who the settings let in; null: anyone. Throws `unreadable-file`, `usage`. */
export async function readIdentity(
  config: Pick<Config, 'token' | 'tokensFile' | 'jwt'>,
): Promise<Identify | null> {
  const { token, tokensFile: file, jwt } = config;
  const tokens: NamedToken[] = token === null ? [] : [namedToken(ownerOfTheToken, token)];
  if (file !== null) tokens.push(...(await readTokens(file)));
  const ways: Identify[] = tokens.length === 0 ? [] : [identifyByTokens(tokens)];
  if (jwt !== null) {
    const keys = await readJson(jwt.keysFile, 'MASKSTREAM_JWKS_FILE');
    ways.push(identifyByJwt(keys as Parameters<typeof identifyByJwt>[0], jwt));
  }
  return ways.length === 0 ? null : identifyByAny(ways);
}

async function readTokens(file: string): Promise<NamedToken[]> {
  const read = tokensFile.safeParse(await readJson(file, 'MASKSTREAM_TOKENS_FILE'));
  if (!read.success) {
    const [issue] = read.error.issues;
    const place = issue?.path.join('.') ?? '';
    // The path and the rule, never what stands there.
    throw usageError(`MASKSTREAM_TOKENS_FILE: ${file}: ${place}: ${issue?.message}`);
  }
  const { tokens } = read.data;
  const twice = tokens.find((one, i) => tokens.findIndex(({ name: n }) => n === one.name) < i);
  if (twice !== undefined) {
    throw usageError(
      `MASKSTREAM_TOKENS_FILE: ${file}: expected each name once, got ${twice.name} twice`,
    );
  }
  return tokens.map(({ name: who, token, sha256, ...bounds }) => {
    const given = Object.entries(bounds).filter(([, bound]) => bound !== undefined);
    const allowance: Allowance = { ...usualAllowance, ...Object.fromEntries(given) };
    return token === undefined
      ? { ...allowance, name: who, sha256: Buffer.from(sha256 ?? '', 'hex') }
      : namedToken(who, token, allowance);
  });
}

async function readJson(file: string, variable: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const message = `${variable}: ${file}: expected a JSON file, got none`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message would quote the file.
    throw usageError(`${variable}: ${file}: expected JSON, got something else`);
  }
}
