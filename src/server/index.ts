export { createServer } from './create-server.ts';
export type { MaskstreamServer } from './create-server.ts';
export type { Allowance, Identify, NamedToken, Principal } from './admission/identity.ts';
export {
  identifyByAny,
  identifyByTokens,
  namedToken,
  usualAllowance,
} from './admission/identity.ts';
export { identifyByJwt } from './admission/json-web-tokens.ts';
export { grpcVersion } from './grpc-version.ts';
export { readPng } from './mask-encoding/png-reader.ts';
export { resolveServerLimits } from './server-limits.ts';
export type { ServerLimits } from './server-limits.ts';
export type { PredictLoad, StreamExpectation } from './admission/stream-demand.ts';
export type { OpenSession, ServerOptions, Sessions, Transport } from './server-options.ts';
export { openGateway } from './gateway/gateway.ts';
export type { Gateway } from './gateway/gateway.ts';
export { loopbackHosts } from './gateway/allowed-origins.ts';
export { readPage } from './gateway/page-files.ts';
export { openMetricsPort } from './metrics/metrics-port.ts';
export type { MetricsPort } from './metrics/metrics-port.ts';
export { combineMetrics } from './combine-metrics.ts';
export { silentMetrics } from './server-metrics.ts';
export type { ServerMetrics } from './server-metrics.ts';
export { silentTracer } from './server-tracing.ts';
export type { Tracer } from './server-tracing.ts';
export type { Telemetry } from './telemetry/start-telemetry.ts';
export type { Logger } from './logger.ts';
export { loadPredictor } from './admission/predict-load.ts';
export type { MeasuredCosts } from './admission/predict-load.ts';
