import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

const protoFile = 'maskstream/v1/segmentation_service.proto';

/** Serves grpc.reflection from the .proto files that ship with the package. */
export function addReflection(server: Server): void {
  const root = findProtoRoot(dirname(fileURLToPath(import.meta.url)));
  const description = loadSync(protoFile, { includeDirs: [root] });
  new ReflectionService(description).addToServer(server);
}

/** The package root is two folders up in the sources and three up in the build. */
function findProtoRoot(folder: string): string {
  const root = join(folder, 'proto');
  if (existsSync(join(root, protoFile))) return root;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`the package must hold proto/${protoFile}`);
  return findProtoRoot(parent);
}
