import { usageError } from './frame/errors.ts';
import { nearestWords } from './frame/nearest-words.ts';
import { configVariables } from './settings.ts';

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

/**
 * The settings that an environment gives, as text. Throws `usage` for a name that begins with
 * MASKSTREAM_ and is none of ours, which may be a misspelt protection, and for a protection that is
 * empty.
 */
export function givenValues(environment: NodeJS.ProcessEnv): Record<string, string> {
  refuseUnknown(environment);
  const values: Record<string, string> = {};
  for (const name of configVariables) {
    const value = valueOf(name, environment);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** OpenTelemetry reads its own variables; any of these says that somebody wants something sent. */
const telemetryVariables = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
];

/** Whether OpenTelemetry's own variables ask for it. */
export function wantsTelemetry(environment: NodeJS.ProcessEnv): boolean {
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
