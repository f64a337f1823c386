import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import type { Container } from '../../frame/container.ts';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import { isPairOfJpegs } from '../../video/index.ts';
import type { CommandIo } from '../command.ts';
import { detectFile, detectPipe, findOrigin, notTaken } from './input-bytes.ts';
import type { Origin } from './input-bytes.ts';
import { byName, leftOutLine, noneIn, readInputFolder } from './input-folder.ts';

/** A photo with a second view is not longer. */
const maxPairBytes = 128 * 1024 * 1024;

/** Bytes on disk, or coming out of a pipe, which can be read once. */
export type InputSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'pipe'; readonly chunks: AsyncIterable<Uint8Array> };

/** One thing to segment. `name` is its subfolder where there are several. */
export type Input =
  | {
      readonly kind: 'video';
      readonly name: string;
      readonly source: InputSource;
      readonly container: Container;
    }
  | { readonly kind: 'image'; readonly name: string; readonly source: InputSource }
  | { readonly kind: 'sequence'; readonly name: string; readonly files: readonly string[] }
  /** Nothing that is taken, or that can be read: it fails when its turn comes. */
  | { readonly kind: 'refused'; readonly name: string; readonly error: SegmentationError };

/** What the command line says besides. */
type FindOptions = {
  readonly asSequence: boolean;
  /** Frames a second; null where none are given, so that raw pictures cannot be a video. */
  readonly frameRate: number | null;
  /** One of several that cannot be read is a `refused` input, and no error. */
  readonly keepGoing: boolean;
  readonly io: CommandIo;
};

/**
 * What the INPUT arguments stand for, told from the first bytes of files, never from their names.
 * What is left out of a folder is said on standard error.
 *
 * Throws `usage` for a folder or a pattern without any, and `unreadable-file` but for what `keepGoing`
 * says.
 */
export async function findInputs(paths: readonly string[], options: FindOptions): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const path of (await Promise.all(paths.map(expand))).flat()) {
    const found = await orRefused(path, options, async () => {
      const origin = await findOrigin(path, options.io.stdin);
      if (origin.kind === 'folder') return await findInFolder(path, options);
      return [await findOne(origin, options)];
    });
    inputs.push(...found);
  }
  const [only] = inputs;
  if (inputs.length === 1 && only?.kind === 'refused') throw only.error;
  return withDistinctNames(inputs);
}

/** What `find` finds at `path`; with `keepGoing`, a refused input where that cannot be read. */
async function orRefused(
  path: string,
  { keepGoing }: FindOptions,
  find: () => Promise<Input[]>,
): Promise<Input[]> {
  try {
    return await find();
  } catch (error) {
    if (keepGoing && error instanceof SegmentationError && error.code === 'unreadable-file') {
      return [{ kind: 'refused', name: nameOf(path), error }];
    }
    throw error;
  }
}

/** The files that a pattern names, for shells that leave that to the program; else `path` itself. */
async function expand(path: string): Promise<string[]> {
  if (path === '-' || existsSync(path) || !isDynamicPattern(path)) return [path];
  const files = await glob(path, { dot: false, expandDirectories: false });
  if (files.length > 0) return files.toSorted(byName);
  throw usageError(`${path}: expected a pattern that files match, got one that none does`);
}

async function findOne(
  origin: Exclude<Origin, { kind: 'folder' }>,
  options: FindOptions,
): Promise<Input> {
  const { path } = origin;
  if (origin.kind === 'file') {
    const { found, head } = await detectFile(path);
    if (found === null) throw notTaken(path, head);
    const kind = await withoutSecondPicture(path, found, options);
    return asInput(kind, { name: nameOf(path), source: origin });
  }
  const name = nameOf(path);
  const { found, head, chunks } = await detectPipe(origin.chunks);
  if (found === null) throw notTaken(name, head);
  return asInput(found, { name, source: { kind: 'pipe', chunks } });
}

function asInput(
  found: Container | 'image',
  { name, source }: { readonly name: string; readonly source: InputSource },
): Input {
  if (found === 'image') return { kind: 'image', name, source };
  return { kind: 'video', name, source, container: found };
}

async function findInFolder(folder: string, options: FindOptions): Promise<Input[]> {
  const { asSequence, io } = options;
  const withVideos = !asSequence;
  const { files, leftOut } = await readInputFolder(folder, { withVideos });
  const inputs: Input[] = [];
  const others = [...leftOut];
  // A sequence may lose none: what is no picture there is an error, when its turn comes.
  for (const path of asSequence ? [] : files) {
    const one = await orRefused(path, options, async () => {
      const { found } = await detectFile(path);
      if (found === null) {
        others.push(basename(path));
        return [];
      }
      const kind = await withoutSecondPicture(path, found, options);
      return [asInput(kind, { name: nameOf(path), source: { kind: 'file', path } })];
    });
    inputs.push(...one);
  }
  const line = leftOutLine(folder, others, { withVideos });
  if (line !== null) io.stderr.write(`maskstream: ${line}\n`);
  if (asSequence) return [{ kind: 'sequence', name: basename(folder), files }];
  if (inputs.length === 0) throw noneIn(folder, withVideos);
  return inputs;
}

/**
 * A photo with another JPEG behind it looks like two frames of MJPEG; without a frame rate it can only
 * be the photo.
 */
async function withoutSecondPicture(
  path: string,
  found: Container | 'image',
  { frameRate, io }: FindOptions,
): Promise<Container | 'image'> {
  if (found !== 'mjpeg' || frameRate !== null) return found;
  const { size } = await stat(path);
  if (size > maxPairBytes || !isPairOfJpegs(await readFile(path))) return found;
  const advice = 'give --frame-rate to take both for a video';
  io.stderr.write(`maskstream: ${path}: left out a second picture behind the first; ${advice}\n`);
  return 'image';
}

function nameOf(path: string): string {
  if (path === '-') return 'stdin';
  return basename(path, extname(path)) || 'input';
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
