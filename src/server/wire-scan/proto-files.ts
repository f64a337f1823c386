import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

const protoFile = 'maskstream/v1/segmentation_service.proto';

/** The descriptors of the .proto files that ship with the package. */
export function loadProtoFiles(): PackageDefinition {
  const root = findProtoRoot(dirname(fileURLToPath(import.meta.url)));
  return loadSync(protoFile, { includeDirs: [root] });
}

/** The package root is some folders up, one more in the build than in the sources. */
function findProtoRoot(folder: string): string {
  const root = join(folder, 'proto');
  if (existsSync(join(root, protoFile))) return root;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`the package must hold proto/${protoFile}`);
  return findProtoRoot(parent);
}
