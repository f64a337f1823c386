import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Container } from '../../frame/container.ts';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import { detectContainer, detectionBytes } from '../../video/index.ts';

/** One thing to segment. `name` is its subfolder where there are several. */
export type Input =
  | {
      readonly kind: 'video';
      readonly name: string;
      readonly file: string;
      readonly container: Container;
    }
  | { readonly kind: 'image'; readonly name: string; readonly file: string }
  | { readonly kind: 'sequence'; readonly name: string; readonly files: readonly string[] };

const imageName = /\.(?:jpe?g|png|webp)$/i;

/**
 * What the INPUT arguments stand for, told from the first bytes of files, never from their names
 * (folders are searched by name, so that notes beside pictures do not stop a batch).
 *
 * Throws `unreadable-file`, and `usage` for a folder without images.
 */
export async function findInputs(
  paths: readonly string[],
  options: { readonly asSequence: boolean },
): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const path of paths) inputs.push(...(await findInput(path, options)));
  return withDistinctNames(inputs);
}

async function findInput(path: string, options: { asSequence: boolean }): Promise<Input[]> {
  const name = basename(path, extname(path)) || 'input';
  if (!(await isFolder(path))) return [await findFile(path, name)];
  const files = (await readdir(path))
    .filter((file) => imageName.test(file))
    // Frame 10 comes after frame 9, zero-padded or not.
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((file) => join(path, file));
  if (files.length === 0) {
    throw usageError(`${path}: expected a folder with JPEG, PNG or WebP images, got none in it`);
  }
  if (options.asSequence) return [{ kind: 'sequence', name: basename(path), files }];
  return await Promise.all(files.map((file) => findFile(file, basename(file, extname(file)))));
}

async function findFile(file: string, name: string): Promise<Input> {
  const head = await readHead(file);
  const found = detectContainer(head);
  if (found === 'image') return { kind: 'image', name, file };
  if (found !== null) return { kind: 'video', name, file, container: found };
  throw new SegmentationError(
    'unreadable-file',
    `${file}: expected a video or a JPEG, PNG or WebP image, got bytes "${head.toString('hex', 0, 12)}"`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const message = `${path}: expected a file or a folder, got none of that name`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
}

async function readHead(file: string): Promise<Buffer> {
  await using handle = await open(file);
  const { bytesRead, buffer } = await handle.read(
    Buffer.alloc(detectionBytes),
    0,
    detectionBytes,
    0,
  );
  return buffer.subarray(0, bytesRead);
}

/** Two inputs of one name would overwrite each other: the second becomes `name-2`. */
function withDistinctNames(inputs: readonly Input[]): Input[] {
  const taken = new Set<string>();
  return inputs.map((input) => {
    let name = input.name;
    for (let number = 2; taken.has(name); number++) name = `${input.name}-${number}`;
    taken.add(name);
    return { ...input, name };
  });
}
