import { createRequire } from 'node:module';

/** Version of the gRPC library. */
export function grpcVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('@grpc/grpc-js/package.json') as { readonly version: string }).version;
}
