import { givenValues, wantsTelemetry } from './environment.ts';
import { usageError } from './frame/errors.ts';
import type { Precision } from './inference/manifest.ts';
import { defaultModelCache } from './models/model-folders.ts';
import { kserveConfig, type KserveConfig } from './kserve-settings.ts';
import type { allowances, Listen, Settings } from './settings.ts';
import { configVariables, mebibyte, settings } from './settings.ts';

/** All settings of a server, checked. */
export type Config = {
  /** Graphs that inference servers run; null: none. */
  readonly kserve: KserveConfig | null;
  readonly listen: Listen;
  readonly model: string;
  /** Folder of models that were pulled. */
  readonly modelCache: string;
  /** Token of the model hub; null: none. */
  readonly hubToken: string | null;
  readonly provider: string;
  /** Devices and workers of a model's parts; null: all on the provider. */
  readonly placement: string | null;
  /** Arithmetic of the model's graphs; null: what it was published for on its device. */
  readonly precision: Precision | null;
  readonly modelThreads: number;
  readonly modelTimeoutMs: number;
  readonly trackerWorkers: number;
  /** Bytes that models may keep of the objects of all streams. */
  readonly maxObjectMemoryBytes: number;
  readonly maxStreams: number;
  /** Where the page is served; null: nowhere. */
  readonly web: {
    readonly port: number;
    readonly hosts: readonly string[];
    readonly origins: readonly string[];
  } | null;
  /** Where metrics and probes are served; null: nowhere. */
  readonly metrics: Listen | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly token: string | null;
  readonly tokensFile: string | null;
  readonly jwt: {
    readonly keysFile: string;
    readonly issuer: string;
    readonly audience: string;
  } | null;
  readonly maxStreamsPerClient: number | null;
  /** Cores, of all streams and of those of one name. */
  readonly maxLoad: number | null;
  readonly maxLoadPerClient: number | null;
  readonly maxPixelsPerSecond: number | null;
  readonly maxPixelsPerSecondPerClient: number | null;
  readonly maxObjectsPerClient: number | null;
  readonly allow: readonly (typeof allowances)[number][];
  readonly requirePatchedFfmpeg: boolean;
  readonly confine: 'auto' | 'require' | 'off';
  readonly hwaccel: 'off' | 'vaapi' | 'cuda';
  /** PEM files. */
  readonly tls: {
    readonly certificate: string;
    readonly key: string;
    readonly clientAuthorities: string | null;
  } | null;
  readonly drainGraceMs: number;
  /** Whether OpenTelemetry's own variables ask for it. */
  readonly telemetry: boolean;
  /** Null: the system's ffmpeg, then the bundled one. */
  readonly ffmpegPath: string | null;
  /** Folders to look for it in, as PATH is written; null: the usual ones. */
  readonly searchPath: string | null;
};

/** Settings given on the command line, as text; they win over the environment. */
export type ConfigOverrides = { readonly [variable in keyof typeof settings.shape]?: string };

// Shown as set or not, never as they are.
const secrets: ReadonlySet<string> = new Set([
  'MASKSTREAM_KSERVE_TOKEN',
  'MASKSTREAM_TOKEN',
  'HF_TOKEN',
]);

/** The settings that the environment gives, secrets masked; `PATH` is everybody's and left out. */
export function givenSettings(
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const given = configVariables.filter((name) => name !== 'PATH' && environment[name]);
  return Object.fromEntries(
    given.map((name) => [name, secrets.has(name) ? '(set)' : `${environment[name]}`]),
  );
}

/** Whether the environment says something of a setting: then a config file does not. */
export function isGiven(variable: string, environment: NodeJS.ProcessEnv = process.env): boolean {
  return (environment[variable] ?? '') !== '';
}

/**
 * Settings from the environment, the only place where it is read. Throws `usage` naming the variable,
 * what was expected and what came, as {@link givenValues} does.
 *
 * @param overrides win over the environment
 * @param file of a config file, which the environment wins over
 */
export function readConfig(
  overrides: ConfigOverrides = {},
  environment: NodeJS.ProcessEnv = process.env,
  file: ConfigOverrides = {},
): Config {
  const all: Record<string, string | undefined> = {
    ...file,
    ...givenValues(environment),
    ...overrides,
  };
  const result = settings.safeParse(all);
  if (!result.success) {
    const issue = result.error.issues[0];
    const name = String(issue?.path[0]);
    const problem = issue?.message ?? 'expected another value';
    const got = problem.includes('got') ? '' : `, got ${JSON.stringify(all[name])}`;
    throw usageError(`${name}: ${problem}${got}`);
  }
  return { ...toConfig(result.data), telemetry: wantsTelemetry(environment) };
}

function toConfig(values: Settings): Omit<Config, 'telemetry'> {
  return {
    kserve: kserveConfig(values),
    listen: values.MASKSTREAM_LISTEN,
    model: values.MASKSTREAM_MODEL,
    modelCache: values.MASKSTREAM_MODEL_CACHE ?? defaultModelCache(),
    hubToken: values.HF_TOKEN ?? null,
    provider: values.MASKSTREAM_PROVIDER,
    placement: values.MASKSTREAM_PLACEMENT ?? null,
    precision: values.MASKSTREAM_PRECISION ?? null,
    modelThreads: values.MASKSTREAM_MODEL_THREADS,
    modelTimeoutMs: values.MASKSTREAM_MODEL_TIMEOUT_SECONDS * 1000,
    trackerWorkers: values.MASKSTREAM_TRACKER_WORKERS,
    maxObjectMemoryBytes: values.MASKSTREAM_OBJECT_MEMORY_MB * mebibyte,
    maxStreams: values.MASKSTREAM_MAX_STREAMS,
    web:
      values.MASKSTREAM_WEB_PORT === 'off'
        ? null
        : {
            port: values.MASKSTREAM_WEB_PORT,
            hosts: values.MASKSTREAM_WEB_HOSTS,
            origins: values.MASKSTREAM_WEB_ORIGINS,
          },
    metrics:
      values.MASKSTREAM_METRICS_PORT === 'off'
        ? null
        : { host: values.MASKSTREAM_METRICS_HOST, port: values.MASKSTREAM_METRICS_PORT },
    logLevel: values.MASKSTREAM_LOG_LEVEL,
    token: values.MASKSTREAM_TOKEN ?? null,
    tokensFile: values.MASKSTREAM_TOKENS_FILE ?? null,
    jwt: jwtSettings(values),
    maxStreamsPerClient: values.MASKSTREAM_MAX_STREAMS_PER_CLIENT ?? null,
    maxLoad: values.MASKSTREAM_MAX_LOAD ?? null,
    maxLoadPerClient: values.MASKSTREAM_MAX_LOAD_PER_CLIENT ?? null,
    maxPixelsPerSecond: values.MASKSTREAM_MAX_PIXELS_PER_SECOND ?? null,
    maxPixelsPerSecondPerClient: values.MASKSTREAM_MAX_PIXELS_PER_SECOND_PER_CLIENT ?? null,
    maxObjectsPerClient: values.MASKSTREAM_MAX_OBJECTS_PER_CLIENT ?? null,
    allow: values.MASKSTREAM_ALLOW,
    requirePatchedFfmpeg: values.MASKSTREAM_REQUIRE_PATCHED_FFMPEG === 'true',
    confine: values.MASKSTREAM_CONFINE,
    hwaccel: values.MASKSTREAM_HWACCEL,
    tls: tlsFiles(values),
    drainGraceMs: values.MASKSTREAM_DRAIN_SECONDS * 1000,
    ffmpegPath: values.FFMPEG_PATH ?? null,
    searchPath: values.PATH ?? null,
  };
}

function jwtSettings(values: Settings): Config['jwt'] {
  const keysFile = values.MASKSTREAM_JWKS_FILE;
  const issuer = values.MASKSTREAM_JWT_ISSUER;
  const audience = values.MASKSTREAM_JWT_AUDIENCE;
  const given = [keysFile, issuer, audience].filter((value) => value !== undefined);
  if (given.length === 0) return null;
  if (keysFile !== undefined && issuer !== undefined && audience !== undefined) {
    return { keysFile, issuer, audience };
  }
  const variables = 'MASKSTREAM_JWKS_FILE, MASKSTREAM_JWT_ISSUER and MASKSTREAM_JWT_AUDIENCE';
  throw usageError(`${variables}: expected all three, got only ${given.join(' and ')}`);
}

function tlsFiles(values: Settings): Config['tls'] {
  const certificate = values.MASKSTREAM_TLS_CERT;
  const key = values.MASKSTREAM_TLS_KEY;
  const clientAuthorities = values.MASKSTREAM_TLS_CLIENT_CA ?? null;
  if (certificate !== undefined && key !== undefined)
    return { certificate, key, clientAuthorities };
  const lone = certificate ?? key ?? clientAuthorities;
  if (lone === null) return null;
  const message = `MASKSTREAM_TLS_CERT and MASKSTREAM_TLS_KEY: expected both, got only ${lone}`;
  throw usageError(message);
}
