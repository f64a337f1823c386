import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Container } from '../../../src/frame/container.ts';
import { SegmentationError } from '../../../src/frame/errors.ts';
import {
  detectFile,
  detectPipe,
  findOrigin,
  notTaken,
} from '../../../src/cli/segment/input-bytes.ts';
import { ReplayablePipe } from './pipe.ts';

/** A file or a pipe, and what is in it. */
export type LocalInput = { readonly name: string; readonly container: Container } & (
  | { readonly kind: 'file'; readonly path: string }
  /** `head`: its first bytes, which `pipe` has too. */
  | { readonly kind: 'pipe'; readonly pipe: ReplayablePipe; readonly head: Uint8Array }
);

/**
 * Opens a file, a pipe or standard input (`-`), and tells its container from its first bytes. Throws
 * `unreadable-file`.
 */
export async function openLocalInput(input: string, stdin: Readable): Promise<LocalInput> {
  const origin = await findOrigin(input, stdin);
  switch (origin.kind) {
    case 'folder':
      throw new SegmentationError('unreadable-file', `${input}: expected a video, got a folder`);
    case 'file': {
      const { found, head } = await detectFile(origin.path);
      const container = videoOnly(input, found, head);
      return { kind: 'file', name: input, container, path: resolve(origin.path) };
    }
    case 'pipe': {
      const name = input === '-' ? 'stdin' : input;
      const { found, head, chunks } = await detectPipe(origin.chunks);
      const container = videoOnly(name, found, head);
      return { kind: 'pipe', name, container, pipe: new ReplayablePipe(chunks), head };
    }
  }
}

function videoOnly(
  name: string,
  found: Awaited<ReturnType<typeof detectFile>>['found'],
  head: Uint8Array,
): Container {
  if (found === null) throw notTaken(name, head);
  if (found !== 'image') return found;
  throw new SegmentationError('unreadable-file', `${name}: expected a video, got a picture`);
}
