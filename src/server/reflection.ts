import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import { loadReflectedFiles } from './wire-scan/proto-files.ts';

/** Serves grpc.reflection from the package's .proto files, and those of the health service. */
export function addReflection(server: Server): void {
  new ReflectionService(loadReflectedFiles([healthProto])).addToServer(server);
}
