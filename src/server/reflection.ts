import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

/** Serves grpc.reflection from the descriptors of the package's .proto files. */
export function addReflection(server: Server, protoFiles: PackageDefinition): void {
  new ReflectionService(protoFiles).addToServer(server);
}
