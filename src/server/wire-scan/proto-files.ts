import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

const protoFile = 'maskstream/v1/segmentation_service.proto';

/** The descriptors of the .proto files that ship with the package. */
export function loadProtoFiles(): PackageDefinition {
  return loadSync(protoFile, { includeDirs: [protoRoot()] });
}

/** The same with `more` files of other packages, and with every field named as its file names it. */
export function loadReflectedFiles(more: readonly string[]): PackageDefinition {
  return loadSync([protoFile, ...more], { includeDirs: [protoRoot()], keepCase: true });
}

function protoRoot(): string {
  return findProtoRoot(dirname(fileURLToPath(import.meta.url)));
}

/** The package root is some folders up, one more in the build than in the sources. */
function findProtoRoot(folder: string): string {
  const root = join(folder, 'proto');
  if (existsSync(join(root, protoFile))) return root;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`the package must hold proto/${protoFile}`);
  return findProtoRoot(parent);
}
