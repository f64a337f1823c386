export { createServer } from './create-server.ts';
export type { MaskstreamServer } from './create-server.ts';
export { readPng } from './mask-encoding/png-reader.ts';
export { resolveServerLimits } from './server-limits.ts';
export type { ServerLimits } from './server-limits.ts';
export type { OpenSession, ServerOptions, Sessions, Transport } from './server-options.ts';
export type { Logger } from './logger.ts';
