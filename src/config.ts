import { z } from 'zod';
import { usageError } from './frame/errors.ts';
import { precisionNames, type Precision } from './inference/manifest.ts';
import { defaultModelCache } from './models/model-folders.ts';
import { nearestWords } from './frame/nearest-words.ts';
import { kserveConfig, kserveSettings, type KserveConfig } from './kserve-settings.ts';
import { defaultObjectMemoryBytes } from './pipeline/prompts/object-memory-pool.ts';
import { defaultMaxStreams } from './server/server-limits.ts';

/** Where the server listens; port 0 asks for a free one. */
export type Listen = { readonly host: string; readonly port: number };

const port = z.coerce.number().int().min(0).max(65_535);

const listen = z.string().transform((text, context): Listen => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const number = port.safeParse(match?.[3]);
  if (match === null || !number.success) {
    context.addIssue(`expected HOST:PORT, got ${JSON.stringify(text)}`);
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] ?? '', port: number.data };
});

const between = (least: number, most: number, what: string) => {
  const error = `expected ${what} from ${least} to ${most}`;
  return z.coerce.number({ error }).min(least, { error }).max(most, { error });
};

const count = (most: number, what: string) =>
  between(1, most, `a number of ${what}`).int({ error: `expected a whole number of ${what}` });

// It travels as one word of a header.
const token = z.string().regex(/^[\x21-\x7e]+$/, {
  error: 'expected printable ASCII without spaces, got something else',
});

const mebibyte = 2 ** 20;

const names = z.string().transform((text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
);

/** What a server that other machines reach may be told to do without. */
const allowances = ['plaintext', 'anonymous', 'old-ffmpeg'] as const;

const schema = z.object({
  ...kserveSettings,
  /** Address of the gRPC port. Default: 127.0.0.1:50051. */
  MASKSTREAM_LISTEN: listen.default({ host: '127.0.0.1', port: 50_051 }),
  /** Name of a model in the package, or a folder with a manifest.json. Default: maskstream-tiny. */
  MASKSTREAM_MODEL: z.string().min(1).default('maskstream-tiny'),
  /** Folder of models that were pulled. Default: ~/.cache/maskstream/models. */
  MASKSTREAM_MODEL_CACHE: z.string().min(1).optional(),
  /** Execution provider of the model; one that is not there is an error. Default: cpu. */
  MASKSTREAM_PROVIDER: z.string().min(1).default('cpu'),
  /** Devices and workers of a model's parts, as `encoder=cuda:0*2,decoder=cpu`. Default: all on the provider. */
  MASKSTREAM_PLACEMENT: z.string().min(1).optional(),
  /** Arithmetic of the model's graphs, by name. Default: what it was published for on its device. */
  MASKSTREAM_PRECISION: z
    .enum(precisionNames, { error: `expected one of ${precisionNames.join(', ')}` })
    .optional(),
  /** Threads of one model run. Default: 2, the machine this project is built for. */
  MASKSTREAM_MODEL_THREADS: count(256, 'threads').default(2),
  /** Time after which a model run that does not answer hangs, in seconds. Default: 60. */
  MASKSTREAM_MODEL_TIMEOUT_SECONDS: between(1, 3600, 'seconds').default(60),
  /** Worker threads for optical flow, shared by all streams. Default: 2. */
  MASKSTREAM_TRACKER_WORKERS: count(256, 'workers').default(2),
  /** What models may keep of the objects of all streams, in MiB. Default: 1024. */
  MASKSTREAM_OBJECT_MEMORY_MB: count(1 << 20, 'MiB').default(defaultObjectMemoryBytes / mebibyte),
  /** Streams at a time; one more is refused. Default: 8. */
  MASKSTREAM_MAX_STREAMS: count(10_000, 'streams').default(defaultMaxStreams),
  /** Port of the live page and its WebSockets, or `off`. Default: 50080. */
  MASKSTREAM_WEB_PORT: z.union([z.literal('off'), port]).default(50_080),
  /** Host names under which the page is reached, by commas. Default: those of this machine. */
  MASKSTREAM_WEB_HOSTS: names.default([]),
  /** Origins besides the page's own that may open WebSockets, by commas. Default: none. */
  MASKSTREAM_WEB_ORIGINS: names.default([]),
  /** Port of metrics and probes, or `off`. Default: off. */
  MASKSTREAM_METRICS_PORT: z.union([z.literal('off'), port]).default('off'),
  /** Address that the metrics port listens on. Default: 127.0.0.1. */
  MASKSTREAM_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  /** Lowest level that is logged. Default: info. */
  MASKSTREAM_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** Bearer token that every call but health checks must carry. Default: none asked. */
  MASKSTREAM_TOKEN: token.optional(),
  /** JSON file of tokens with names and limits; docs/operations.md has its form. Default: none. */
  MASKSTREAM_TOKENS_FILE: z.string().min(1).optional(),
  /** JSON Web Key Set whose keys sign the tokens of clients; issuer and audience go with it. */
  MASKSTREAM_JWKS_FILE: z.string().min(1).optional(),
  MASKSTREAM_JWT_ISSUER: z.string().min(1).optional(),
  MASKSTREAM_JWT_AUDIENCE: z.string().min(1).optional(),
  /** Streams at a time of one name, where its token says nothing else. Default: as many as there are. */
  MASKSTREAM_MAX_STREAMS_PER_CLIENT: count(10_000, 'streams').optional(),
  /** Predicted work of all streams in cores; what goes beyond is refused. Default: no bound. */
  MASKSTREAM_MAX_LOAD: between(0.01, 10_000, 'a number of cores').optional(),
  /** As MASKSTREAM_MAX_LOAD, of one name, where its token says nothing else. Default: no bound. */
  MASKSTREAM_MAX_LOAD_PER_CLIENT: between(0.01, 10_000, 'a number of cores').optional(),
  /** Pixels of all videos in a second; what goes beyond is refused. Default: no bound. */
  MASKSTREAM_MAX_PIXELS_PER_SECOND: count(1e13, 'pixels').optional(),
  /** As MASKSTREAM_MAX_PIXELS_PER_SECOND, of one name. Default: no bound. */
  MASKSTREAM_MAX_PIXELS_PER_SECOND_PER_CLIENT: count(1e13, 'pixels').optional(),
  /** Objects of all videos of one name, where its token says nothing else. Default: no bound. */
  MASKSTREAM_MAX_OBJECTS_PER_CLIENT: count(100_000, 'objects').optional(),
  /** What a server that other machines reach may do without, by commas. Default: nothing. */
  MASKSTREAM_ALLOW: names
    .pipe(z.array(z.enum(allowances, { error: `expected ${allowances.join(', ')}` })))
    .default([]),
  /** PEM files; certificate and key together turn TLS on. Default: no TLS. */
  MASKSTREAM_TLS_CERT: z.string().min(1).optional(),
  MASKSTREAM_TLS_KEY: z.string().min(1).optional(),
  /** PEM file of the authorities that client certificates must come from. Default: none asked. */
  MASKSTREAM_TLS_CLIENT_CA: z.string().min(1).optional(),
  /** Time that live streams get to end after SIGTERM, in seconds. Default: 30. */
  MASKSTREAM_DRAIN_SECONDS: between(0, 86_400, 'seconds').default(30),
  /** Token of the model hub, for gated weights; `models pull` alone sends it. */
  HF_TOKEN: token.optional(),
  /** Whether the ffmpeg must be a release that closes the known holes. Default: false. */
  MASKSTREAM_REQUIRE_PATCHED_FFMPEG: z.enum(['true', 'false']).default('false'),
  /** What is taken from decoders: the strictest that works, a sandbox or no start, limits alone. */
  MASKSTREAM_CONFINE: z.enum(['auto', 'require', 'off']).default('auto'),
  /** What decodes video in place of the processor; absent hardware is an error. Default: off. */
  MASKSTREAM_HWACCEL: z.enum(['off', 'vaapi', 'cuda']).default('off'),
  /** ffmpeg to use instead of the system's or the bundled one. */
  FFMPEG_PATH: z.string().min(1).optional(),
  /** Where the system's ffmpeg is looked for. */
  PATH: z.string().optional(),
});

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

/** Names of the variables that {@link readConfig} understands; docs/cli.md lists them. */
export const configVariables = Object.keys(schema.shape);

/** Settings given on the command line, as text; they win over the environment. */
export type ConfigOverrides = { readonly [variable in keyof typeof schema.shape]?: string };

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

// Whoever sets one of these asks for protection: an empty one is a secret that did not arrive, not a
// wish for an open server.
const protections: ReadonlySet<string> = new Set([
  'MASKSTREAM_KSERVE_TOKEN',
  'MASKSTREAM_KSERVE_TLS',
  'MASKSTREAM_KSERVE_TLS_CA',
  'MASKSTREAM_TOKEN',
  'MASKSTREAM_TOKENS_FILE',
  'MASKSTREAM_JWKS_FILE',
  'MASKSTREAM_JWT_ISSUER',
  'MASKSTREAM_JWT_AUDIENCE',
  'MASKSTREAM_TLS_CERT',
  'MASKSTREAM_TLS_KEY',
  'MASKSTREAM_TLS_CLIENT_CA',
]);

// Kubernetes sets these for a service that is called "maskstream", as container links do.
const injected =
  /^MASKSTREAM_(?:SERVICE_(?:HOST|PORT)|PORT(?:$|_\d+))|^MASKSTREAM_(?:NAME|ENV_.*)$/;

/** Whether the environment says something of a setting: then a config file does not. */
export function isGiven(variable: string, environment: NodeJS.ProcessEnv = process.env): boolean {
  return (environment[variable] ?? '') !== '';
}

/**
 * Settings from the environment, the only place where it is read.
 *
 * Throws `usage` naming the variable, what was expected and what came: also for a name that begins
 * with MASKSTREAM_ and is none of ours, which may be a misspelt protection.
 *
 * @param overrides win over the environment
 * @param file of a config file, which the environment wins over
 */
export function readConfig(
  overrides: ConfigOverrides = {},
  environment: NodeJS.ProcessEnv = process.env,
  file: ConfigOverrides = {},
): Config {
  refuseUnknown(environment);
  const inFile: Readonly<Record<string, string | undefined>> = file;
  const given = Object.fromEntries(
    configVariables.map((name) => [name, valueOf(name, environment) ?? inFile[name]]),
  );
  const all: Record<string, string | undefined> = { ...given, ...overrides };
  const result = schema.safeParse(all);
  if (!result.success) {
    const issue = result.error.issues[0];
    const name = String(issue?.path[0]);
    const problem = issue?.message ?? 'expected another value';
    const got = problem.includes('got') ? '' : `, got ${JSON.stringify(all[name])}`;
    throw usageError(`${name}: ${problem}${got}`);
  }
  return { ...toConfig(result.data), telemetry: wantsTelemetry(environment) };
}

/** OpenTelemetry reads its own variables; any of these says that somebody wants something sent. */
const telemetryVariables = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
];

function wantsTelemetry(environment: NodeJS.ProcessEnv): boolean {
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false;
  return telemetryVariables.some((name) => {
    const value = environment[name]?.trim() ?? '';
    return value !== '' && value !== 'none';
  });
}

function valueOf(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const value = environment[name];
  // An empty variable is the usual way to unset one in a compose file.
  if (value !== undefined && value.trim() === '' && protections.has(name)) {
    throw usageError(`${name}: expected a value, got an empty one; unset it to do without`);
  }
  return value === '' ? undefined : value;
}

function refuseUnknown(environment: NodeJS.ProcessEnv): void {
  const unknown = Object.keys(environment).find(
    (name) =>
      name.startsWith('MASKSTREAM_') && !configVariables.includes(name) && !injected.test(name),
  );
  if (unknown === undefined) return;
  const [nearest] = nearestWords(unknown, configVariables, 1);
  const hint = nearest === undefined ? 'a setting that there is' : nearest;
  throw usageError(`${unknown}: expected ${hint}, got a name that means nothing here`);
}

function toConfig(values: z.infer<typeof schema>): Omit<Config, 'telemetry'> {
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

function jwtSettings(values: z.infer<typeof schema>): Config['jwt'] {
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

function tlsFiles(values: z.infer<typeof schema>): Config['tls'] {
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
