import { z } from 'zod';
import { precisionNames } from './inference/manifest.ts';
import { kserveSettings } from './kserve-settings.ts';
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

/** Bytes of a MiB. */
export const mebibyte = 2 ** 20;

const names = z.string().transform((text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
);

/** What a server that other machines reach may be told to do without. */
export const allowances = ['plaintext', 'anonymous', 'old-ffmpeg'] as const;

/** Every setting of a server by its variable, with its form, bounds and default. */
export const settings = z.object({
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

/** Names of all settings; docs/cli.md lists them. */
export const configVariables = Object.keys(settings.shape);

/** The settings as they were read, with defaults. */
export type Settings = z.infer<typeof settings>;
