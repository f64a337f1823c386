import { packageVersion } from '../package-root.ts';
import { silentMetrics, silentTracer, type Telemetry } from '../server/index.ts';
import type { JsonLogger } from './json-logger.ts';

/** Nothing is sent, and nothing was loaded for it. */
const silence: Telemetry = {
  metrics: silentMetrics,
  tracer: silentTracer,
  close: () => Promise.resolve(),
};

/**
 * Starts OpenTelemetry where its variables ask for it. It is not part of the package: where it was not
 * installed the log says so and the server serves, since such variables are set for whole clusters.
 */
export async function openTelemetry(isWanted: boolean, log: JsonLogger): Promise<Telemetry> {
  if (!isWanted) return silence;
  try {
    const { startTelemetry } = await import('../server/telemetry/start-telemetry.ts');
    return startTelemetry({ version: packageVersion() });
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw reason;
    log.warn(
      { err: reason },
      'OpenTelemetry is asked for and not installed: npm install @opentelemetry/sdk-node @opentelemetry/api',
    );
    return silence;
  }
}
