import { z } from 'zod';
import { usageError } from './frame/errors.ts';
import type { KserveOptions } from './inference/index.ts';

const seconds = (most: number, error = `expected seconds from 0.1 to ${most}`) =>
  z.coerce.number({ error }).min(0.1, { error }).max(most, { error });

/** Graphs that may run elsewhere: all but the refiner, which runs on every frame. */
const roles = [
  'encoder',
  'decoder',
  'text',
  'memoryEncoder',
  'memoryAttention',
  'pointerPositions',
  'maskPrompt',
  'textEncoder',
] as const;

type RemoteRole = (typeof roles)[number];

const graph = z.string().transform((words, context) => {
  const [, role, name = null, version = null] =
    /^(\w+)(?:=([^=:]+)(?::(\w+))?)?$/.exec(words) ?? [];
  const known = roles.find((one) => one === role);
  if (known !== undefined) return { role: known, name, version };
  const wanted = `GRAPH or GRAPH=MODEL or GRAPH=MODEL:VERSION, GRAPH one of ${roles.join(', ')}`;
  context.addIssue(`expected ${wanted}, got ${JSON.stringify(words)}`);
  return z.NEVER;
});

const address = z.string().regex(/^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, {
  error: ({ input }) => `expected HOST:PORT, got ${JSON.stringify(input)}`,
});

const list = <Item>(item: z.ZodType<Item, string>) =>
  z
    .string()
    .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
    .pipe(z.array(item));

const mebibytes = 'expected a whole number of MiB from 1 to 1024';
const calls = 'expected a whole number of calls from 1 to 256';

/** Settings of graphs that run on inference servers. */
export const kserveSettings = {
  /** Servers of the open inference protocol (KServe v2), HOST:PORT by commas. Default: none. */
  MASKSTREAM_KSERVE_ADDRESSES: list(address).default([]),
  /** Graphs that run there, by commas; each as GRAPH, GRAPH=MODEL or GRAPH=MODEL:VERSION. Default: encoder. */
  MASKSTREAM_KSERVE_GRAPHS: list(graph).default([{ role: 'encoder', name: null, version: null }]),
  /** Whether the servers are spoken to by TLS. Default: false, unless their authorities are given. */
  MASKSTREAM_KSERVE_TLS: z.enum(['true', 'false']).optional(),
  /** PEM file of the authorities that the servers' certificates come from. Default: those of Node. */
  MASKSTREAM_KSERVE_TLS_CA: z.string().min(1).optional(),
  /** Bearer token of each call. Default: none. */
  MASKSTREAM_KSERVE_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, {
      error: 'expected printable ASCII without spaces, got something else',
    })
    .optional(),
  /** Time that one call may take, the server's queue included. Default: 10. */
  MASKSTREAM_KSERVE_DEADLINE_SECONDS: seconds(600).default(10),
  /** Longest that a run waits for a server that answers. Default: 30. */
  MASKSTREAM_KSERVE_WAIT_SECONDS: seconds(3600).default(30),
  /** Calls in flight at a time. Default: 8. */
  MASKSTREAM_KSERVE_MAX_CALLS: z.coerce
    .number({ error: calls })
    .int({ error: calls })
    .min(1, { error: calls })
    .max(256, { error: calls })
    .default(8),
  /** Largest message to and from them, in MiB. Default: 32. */
  MASKSTREAM_KSERVE_MAX_MESSAGE_MIB: z.coerce
    .number({ error: mebibytes })
    .int({ error: mebibytes })
    .min(1, { error: mebibytes })
    .max(1024, { error: mebibytes })
    .default(32),
  /** What LATEST does while none answers: `propagate`, or run the graphs here (`local`). Default: propagate. */
  MASKSTREAM_KSERVE_FALLBACK: z.enum(['propagate', 'local']).default('propagate'),
};

/** Which graphs run on inference servers, as the settings say. */
export type KserveConfig = Omit<KserveOptions, 'tls' | 'models'> & {
  /** Null: plaintext. */
  readonly tls: { readonly authoritiesFile: string | null } | null;
  /** Null as a name: that of the model and the graph. */
  readonly models: {
    readonly [role in RemoteRole]?: {
      readonly name: string | null;
      readonly version: string | null;
    };
  };
};

/** The settings as a whole; null where no server is named. Throws `usage`. */
export function kserveConfig(
  values: z.infer<z.ZodObject<typeof kserveSettings>>,
): KserveConfig | null {
  const addresses = values.MASKSTREAM_KSERVE_ADDRESSES;
  if (addresses.length === 0) return null;
  const graphs = values.MASKSTREAM_KSERVE_GRAPHS;
  if (graphs.length === 0) {
    throw usageError('MASKSTREAM_KSERVE_GRAPHS: expected a graph that the servers run, got none');
  }
  const authoritiesFile = values.MASKSTREAM_KSERVE_TLS_CA ?? null;
  const isTls = values.MASKSTREAM_KSERVE_TLS ?? (authoritiesFile === null ? 'false' : 'true');
  if (isTls === 'false' && authoritiesFile !== null) {
    throw usageError('MASKSTREAM_KSERVE_TLS_CA: expected MASKSTREAM_KSERVE_TLS=true, got false');
  }
  return {
    addresses,
    tls: isTls === 'true' ? { authoritiesFile } : null,
    token: values.MASKSTREAM_KSERVE_TOKEN ?? null,
    deadlineMs: values.MASKSTREAM_KSERVE_DEADLINE_SECONDS * 1000,
    waitMs: values.MASKSTREAM_KSERVE_WAIT_SECONDS * 1000,
    maxCalls: values.MASKSTREAM_KSERVE_MAX_CALLS,
    maxMessageBytes: values.MASKSTREAM_KSERVE_MAX_MESSAGE_MIB * 1024 * 1024,
    fallsBack: values.MASKSTREAM_KSERVE_FALLBACK === 'local',
    models: Object.fromEntries(graphs.map(({ role, ...model }) => [role, model])),
  };
}
