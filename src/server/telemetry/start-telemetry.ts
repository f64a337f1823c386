import { metrics, trace } from '@opentelemetry/api';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';
import type { ServerMetrics } from '../server-metrics.ts';
import type { Tracer } from '../server-tracing.ts';
import { createMeters } from './meters.ts';
import { createSpans } from './spans.ts';

/** Traces and metrics that are sent by OpenTelemetry. */
export type Telemetry = {
  readonly metrics: ServerMetrics;
  readonly tracer: Tracer;
  /**
   * Sends what is left and stops, within two seconds. Never rejects: a collector that is gone is no
   * fault of a server.
   */
  close(): Promise<void>;
};

const scope = 'maskstream';

/** A collector that cannot be reached is tried again for ten seconds otherwise, while nobody serves. */
const longestEndMs = 2000;

/**
 * Starts OpenTelemetry as its standard environment variables say: exporters, endpoints, headers,
 * samplers, resource attributes. Importing this file loads the library; nobody does who was not asked.
 */
export function startTelemetry({ version }: { readonly version: string }): Telemetry {
  const sdk = new NodeSDK({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    resource: resources.resourceFromAttributes({
      'service.name': scope,
      'service.version': version,
    }),
    // The log goes its own way.
    logRecordProcessors: [],
  });
  sdk.start();
  return {
    metrics: createMeters(metrics.getMeter(scope, version)),
    tracer: createSpans(trace.getTracer(scope, version)),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, longestEndMs);
      });
      await Promise.race([sdk.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}
